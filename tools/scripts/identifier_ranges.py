#!/usr/bin/env python3
"""Writes impl/config/identifier_ranges.hpp: which characters an ECMAScript 5.1 identifier may hold.

Section 7.6: a start is a letter (Lu Ll Lt Lm Lo Nl); a part is a start, a combining mark (Mn Mc), a
digit (Nd) or connector punctuation (Pc). ASCII and the joiners are handled by the reader itself.

Usage: identifier_ranges.py > include/credpool/impl/config/identifier_ranges.hpp
"""
import unicodedata

START = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"}
PART = {"Mn", "Mc", "Nd", "Pc"}


def ranges(categories: set[str]) -> list[tuple[int, int]]:
    found: list[list[int]] = []
    for point in range(0x80, 0x110000):
        if unicodedata.category(chr(point)) not in categories:
            continue
        if found and found[-1][1] == point - 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return [(first, last) for first, last in found]


def table(name: str, comment: str, pairs: list[tuple[int, int]]) -> str:
    lines, line = [], "   "
    for first, last in pairs:
        cell = " {0x%x, 0x%x}," % (first, last)
        if len(line) + len(cell) > 100:
            lines.append(line)
            line = "   "
        line += cell
    lines.append(line)
    return (
        f"/// {comment}\n"
        f"inline constexpr std::array<IdentifierRange, {len(pairs)}> {name}{{{{\n" + "\n".join(lines) + "\n}};\n"
    )


print(
    f"""#pragma once
// SPDX-License-Identifier: MIT

// Made by tools/scripts/identifier_ranges.py from Unicode {unicodedata.unidata_version}. Internal.

#include <credpool/core/version.hpp>

#include <array>
#include <cstdint>

namespace credpool::inline CREDPOOL_ABI {{
namespace detail {{

struct IdentifierRange {{
  std::uint32_t first;
  std::uint32_t last;
}};

// clang-format off
{table("identifier_starts", "Letters and letter numbers beyond ASCII.", ranges(START))}
{table("identifier_parts", "Marks, digits and connectors beyond ASCII: not at the start.", ranges(PART))}// clang-format on

}}  // namespace detail
}}  // namespace credpool::inline CREDPOOL_ABI"""
)
