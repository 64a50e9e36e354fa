#pragma once
// SPDX-License-Identifier: MIT

#include <credpool/core/environment.hpp>
#include <credpool/core/platform.hpp>

#include <string_view>
#include <vector>

namespace credpool_cli {

/// The sockets that a service manager has opened for this process; empty when it was not started
/// that way. To be called once, before other threads start.
/// @source sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, descriptors from 3 on
std::vector<credpool::Descriptor> inherited_sockets(const credpool::Environment& environment);

/// Tells the service manager how the process stands: "READY=1", "RELOADING=1", "STOPPING=1" ...
/// Does nothing without one, and says nothing when that one does not hear.
/// @source sd_notify(3): one datagram to NOTIFY_SOCKET
void notify_service_manager(const credpool::Environment& environment, std::string_view state);

}  // namespace credpool_cli
