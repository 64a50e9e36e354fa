// SPDX-License-Identifier: MIT
// libpq, loaded by the first command that uses a PostgreSQL store.
//
// It brings Kerberos, LDAP and GnuTLS with it: 25 libraries that every other command and every
// server on its own files would load, and keep in memory, for nothing. These functions stand in for
// libpq's own, so that the linker leaves that out; each hands its call on.

#include "libpq_on_demand.hpp"

#include <libpq-fe.h>

#include <cstdlib>

#include <dlfcn.h>

namespace {

/// Null when libpq is not installed.
void* library() {
  static void* const handle = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
  return handle;
}

template <class Function> Function real(const char* name) {
  auto* const found = library() == nullptr ? nullptr : ::dlsym(library(), name);
  // Nobody comes here without having asked for libpq first.
  if (found == nullptr) std::abort();
  return reinterpret_cast<Function>(found);
}

}  // namespace

credpool::Result<void> credpool_cli::need_libpq() {
  if (library() != nullptr) return {};
  return credpool::fail(credpool::Errc::configuration, "loading libpq.so.5, for a PostgreSQL store",
                        {}, "install it (Debian: libpq5)");
}

// NOLINTBEGIN(cppcoreguidelines-macro-usage,readability-identifier-naming)
#define ON_DEMAND(name) static const auto call = real<decltype(&::name)>(#name)

extern "C" {

PQconninfoOption* PQconninfoParse(const char* text, char** error) {
  ON_DEMAND(PQconninfoParse);
  return call(text, error);
}
void PQfreemem(void* memory) {
  ON_DEMAND(PQfreemem);
  call(memory);
}
void PQconninfoFree(PQconninfoOption* options) {
  ON_DEMAND(PQconninfoFree);
  call(options);
}
PGconn* PQconnectdbParams(const char* const* names, const char* const* values, int expand) {
  ON_DEMAND(PQconnectdbParams);
  return call(names, values, expand);
}
ConnStatusType PQstatus(const PGconn* connection) {
  ON_DEMAND(PQstatus);
  return call(connection);
}
int PQconnectionNeedsPassword(const PGconn* connection) {
  ON_DEMAND(PQconnectionNeedsPassword);
  return call(connection);
}
char* PQerrorMessage(const PGconn* connection) {
  ON_DEMAND(PQerrorMessage);
  return call(connection);
}
char* PQdb(const PGconn* connection) {
  ON_DEMAND(PQdb);
  return call(connection);
}
char* PQhost(const PGconn* connection) {
  ON_DEMAND(PQhost);
  return call(connection);
}
char* PQport(const PGconn* connection) {
  ON_DEMAND(PQport);
  return call(connection);
}
char* PQpass(const PGconn* connection) {
  ON_DEMAND(PQpass);
  return call(connection);
}
void PQfinish(PGconn* connection) {
  ON_DEMAND(PQfinish);
  call(connection);
}
int PQsocket(const PGconn* connection) {
  ON_DEMAND(PQsocket);
  return call(connection);
}
int PQsetnonblocking(PGconn* connection, int on) {
  ON_DEMAND(PQsetnonblocking);
  return call(connection, on);
}
PQnoticeProcessor PQsetNoticeProcessor(PGconn* connection, PQnoticeProcessor hear, void* with) {
  ON_DEMAND(PQsetNoticeProcessor);
  return call(connection, hear, with);
}
int PQsendQueryParams(PGconn* connection, const char* command, int count, const Oid* types,
                      const char* const* values, const int* lengths, const int* formats,
                      int result_format) {
  ON_DEMAND(PQsendQueryParams);
  return call(connection, command, count, types, values, lengths, formats, result_format);
}
int PQflush(PGconn* connection) {
  ON_DEMAND(PQflush);
  return call(connection);
}
int PQconsumeInput(PGconn* connection) {
  ON_DEMAND(PQconsumeInput);
  return call(connection);
}
int PQisBusy(PGconn* connection) {
  ON_DEMAND(PQisBusy);
  return call(connection);
}
PGresult* PQgetResult(PGconn* connection) {
  ON_DEMAND(PQgetResult);
  return call(connection);
}
ExecStatusType PQresultStatus(const PGresult* result) {
  ON_DEMAND(PQresultStatus);
  return call(result);
}
char* PQresultErrorField(const PGresult* result, int field) {
  ON_DEMAND(PQresultErrorField);
  return call(result, field);
}
int PQntuples(const PGresult* result) {
  ON_DEMAND(PQntuples);
  return call(result);
}
int PQgetisnull(const PGresult* result, int row, int column) {
  ON_DEMAND(PQgetisnull);
  return call(result, row, column);
}
int PQgetlength(const PGresult* result, int row, int column) {
  ON_DEMAND(PQgetlength);
  return call(result, row, column);
}
char* PQgetvalue(const PGresult* result, int row, int column) {
  ON_DEMAND(PQgetvalue);
  return call(result, row, column);
}
void PQclear(PGresult* result) {
  ON_DEMAND(PQclear);
  call(result);
}

}  // extern "C"

#undef ON_DEMAND
// NOLINTEND(cppcoreguidelines-macro-usage,readability-identifier-naming)
