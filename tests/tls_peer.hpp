#pragma once
// SPDX-License-Identifier: MIT

#include <memory>
#include <string>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/// A certificate made on the spot for 127.0.0.1 (or another host), and a server context with it.
class TlsPeer {
 public:
  explicit TlsPeer(const char* alternative_names = "IP:127.0.0.1,DNS:localhost") {
    key_.reset(::EVP_EC_gen("P-256"));
    certificate_.reset(::X509_new());
    auto* certificate = certificate_.get();
    ::X509_set_version(certificate, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(certificate), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(certificate), 3600);
    ::X509_set_pubkey(certificate, key_.get());
    auto* name = ::X509_get_subject_name(certificate);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    ::X509_set_issuer_name(certificate, name);
    auto* extension =
        ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, alternative_names);
    ::X509_add_ext(certificate, extension, -1);
    ::X509_EXTENSION_free(extension);
    ::X509_sign(certificate, key_.get(), ::EVP_sha256());
    context_.reset(::SSL_CTX_new(::TLS_server_method()));
    ::SSL_CTX_use_certificate(context_.get(), certificate);
    ::SSL_CTX_use_PrivateKey(context_.get(), key_.get());
  }

  /// The certificate as PEM, for the client's list of trusted ones.
  std::string pem() const {
    auto* memory = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_X509(memory, certificate_.get());
    char* text = nullptr;
    const auto size = ::BIO_get_mem_data(memory, &text);
    std::string result{text, static_cast<std::size_t>(size)};
    ::BIO_free(memory);
    return result;
  }

  /// Its key as PEM.
  std::string key_pem() const {
    auto* memory = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_PrivateKey(memory, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* text = nullptr;
    const auto size = ::BIO_get_mem_data(memory, &text);
    std::string result{text, static_cast<std::size_t>(size)};
    ::BIO_free(memory);
    return result;
  }

  /// Shakes hands on an accepted socket; null when that fails.
  std::unique_ptr<SSL, void (*)(SSL*)> accept(int socket) const {
    std::unique_ptr<SSL, void (*)(SSL*)> session{::SSL_new(context_.get()), ::SSL_free};
    ::SSL_set_fd(session.get(), socket);
    if (::SSL_accept(session.get()) != 1) session.reset();
    ::ERR_clear_error();
    return session;
  }

 private:
  struct Free {
    void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { ::X509_free(certificate); }
    void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  };
  std::unique_ptr<EVP_PKEY, Free> key_;
  std::unique_ptr<X509, Free> certificate_;
  std::unique_ptr<SSL_CTX, Free> context_;
};
