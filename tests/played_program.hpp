#pragma once
// SPDX-License-Identifier: MIT

#include <throwaway_home.hpp>

#include <chrono>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>

/// Programs that a test plays: short Python scripts in a directory of the throw-away home.
struct PlayedPrograms {
  const ThrowawayHome& home;

  std::filesystem::path directory() const { return home.path() / "bin"; }

  /// Makes an executable. `body` may use: say(name, text) writes a file below the home, home(name)
  /// is its path, and every signal that can be caught is noted in the file "signal".
  std::filesystem::path write(const std::string& name, std::string_view body,
                              std::string_view folder = "bin") const {
    const std::string prelude = R"(#!/usr/bin/python3 -S
import json, os, signal, sys, time
def home(name): return ')" + home.path().string() +
                                R"(/' + name
def say(name, text):
    part = f'{home(name)}.part-{os.getpid()}'
    with open(part, 'w') as file: file.write(text)
    os.rename(part, home(name))
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
    signal.signal(number, lambda got, frame: say('signal', str(got)))
)";
    return home.write(std::filesystem::path{folder} / name, prelude + std::string{body}, 0700);
  }

  std::string said(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream{home.path() / name, std::ios::binary}.rdbuf();
    return all.str();
  }
  bool has(const std::string& name) const { return std::filesystem::exists(home.path() / name); }

  /// Waits until it has said that, 20 s at most.
  bool waits_for(const std::string& name) const {
    for (int tries = 0; tries < 4000; ++tries) {
      if (has(name)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
    return false;
  }
};
