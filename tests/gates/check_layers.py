#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who may include whom: the layers of the library, and where third-party headers may stand.

Usage: check_layers.py ROOT
"""
import pathlib
import re
import sys

from tree import Tap

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
OPT_IN = re.compile(r"^// Opt-in: ", re.MULTILINE)

MIDDLE = ["source", "validation", "refresh", "rotation", "history", "store", "transport", "server", "config"]
FRONT = ["account", "rpc", "gateway", "proxy", "openclaw"]
# area -> the other areas it may include.
LAYERS = {"core": set(), "credential": {"core"}, "pool": {"core", "credential", *MIDDLE}}
LAYERS |= {area: {"core", "credential"} for area in MIDDLE}
LAYERS |= {area: {"core", "credential", "pool", *MIDDLE} for area in FRONT}
# Between areas of one layer only these: the concept that is worked against, and the types it speaks.
CONCEPTS = {
    # The classifier is the one place that judges a token endpoint's answer.
    "refresh": {"transport/concept.hpp", "transport/message.hpp", "source/concept.hpp", "store/concept.hpp",
                "validation/classifier.hpp"},
    # The claims of a refresh in a database; what a server says is cleaned in one place.
    "store": {"refresh/claims.hpp", "validation/shown_text.hpp"},
    # What a caller may do, and how fast guessing becomes slow.
    "gateway": {"rpc/scope.hpp", "account/rate_limit.hpp"},
    "validation": {"transport/concept.hpp", "transport/message.hpp"},
}
# A header that proves itself to be a model of a concept of the design.
MODEL = re.compile(r"static_assert\((CredentialSource|RefreshMethod|RotationPolicy|HistoryStore|SecretStore|Transport|Validator)<")

# Policies over policies: pool.hpp may name them, they are no choice of a model.
COMBINATORS = {"source/sources.hpp", "refresh/first_of.hpp", "rotation/one_of.hpp"}
# A body with nothing but explicit instantiations belongs to the compiled flavour only.
EXPLICIT_INSTANTIATION = "\n#if defined(CREDPOOL_COMPILED)\ntemplate class "

POSIX = {"unistd.h", "fcntl.h", "pwd.h", "grp.h", "poll.h", "signal.h", "termios.h", "dirent.h", "netdb.h", "spawn.h",
         "dlfcn.h", "pthread.h", "time.h", "errno.h", "limits.h", "stdlib.h", "string.h"}


def is_system(header: str) -> bool:
    """The standard library and POSIX; everything else is a third party."""
    return header in POSIX or header.startswith(("sys/", "netinet/", "arpa/")) or re.fullmatch(r"[a-z_0-9]+", header) is not None


def area_of(path: str) -> str:
    """core for core/x.hpp and impl/core/x.ipp; "" for the headers at the top."""
    parts = path.removeprefix("impl/").split("/")
    return parts[0] if len(parts) > 1 else ""


def main() -> int:
    root = pathlib.Path(sys.argv[1]).resolve()
    library = root / "include/credpool"
    texts = {path.relative_to(library).as_posix(): path.read_text(encoding="utf-8")
             for path in sorted(library.rglob("*")) if path.suffix in (".hpp", ".ipp")}
    includes = {path: [match.groups() for line in text.splitlines() if (match := INCLUDE.match(line))]
                for path, text in texts.items()}
    opt_in = {path for path, text in texts.items() if OPT_IN.search(text)}
    models = {path for path, text in texts.items() if MODEL.search(text)} - COMBINATORS

    upward, foreign, quoted, unknown, named_models, internal = [], [], [], [], [], []
    for path, names in includes.items():
        area = area_of(path)
        if area and area not in LAYERS:
            unknown.append(f"{path}: the area {area} is not in the table of layers")
            continue
        header_of = path.removeprefix("impl/").replace(".ipp", ".hpp")
        for kind, name in names:
            if kind == '"':
                quoted.append(f"{path}: \"{name}\"")
            elif name.startswith("credpool/"):
                target = name.removeprefix("credpool/")
                other = area_of(target)
                if target not in texts:
                    unknown.append(f"{path}: {name} is not there")
                if area and not other:
                    upward.append(f"{path} includes {name}")
                elif area and other != area and other not in LAYERS[area] and target not in CONCEPTS.get(area, set()):
                    upward.append(f"{path} includes {name}")
                if area == "pool" and target in models and area_of(target) != "pool" and "default_pool" not in path:
                    named_models.append(f"{path} includes {name}")
                if target.startswith("impl/") and target.endswith(".hpp") and not path.startswith("impl/"):
                    internal.append(f"{path} includes {name}")
            elif not is_system(name) and not path.startswith("impl/") and header_of not in opt_in:
                foreign.append(f"{path} includes {name}; if it must, say `// Opt-in: needs ...`")

    tap = Tap()
    tap.check("gates/layers: every area and every included header is known", unknown)
    tap.check("gates/layers: includes point downwards only", upward)
    tap.check("gates/layers: third-party headers stand in impl/ and in opt-in headers only", foreign)
    tap.check("gates/layers: only default_pool names models", named_models)
    tap.check("gates/layers: includes are <credpool/...>, never quoted", quoted)
    tap.check("gates/layers: internal headers are included by bodies only", internal)

    public = {path for path in texts if area_of(path) and not path.startswith(("impl/", "detail/"))} - opt_in
    umbrella = {name.removeprefix("credpool/") for _, name in includes["credpool.hpp"]}
    tap.check("gates/layers: the umbrella includes every public header that is not opt-in",
              sorted(f"missing: {path}" for path in public - umbrella) +
              sorted(f"must not be there: {path}" for path in umbrella - public))
    bodies = {path for path in texts if path.endswith(".ipp") and
              path.removeprefix("impl/").replace(".ipp", ".hpp") not in opt_in}
    source = {name.removeprefix("credpool/") for _, name in includes["src.hpp"]}
    tap.check("gates/layers: src.hpp includes every body that is not opt-in",
              sorted(f"missing: {path}" for path in bodies - source) +
              sorted(f"must not be there: {path}" for path in source - bodies))
    orphans = [path for path in bodies
               if EXPLICIT_INSTANTIATION not in texts[path]
               and not any(f"credpool/{path}" == name for other, names in includes.items()
                          for _, name in names if other != "src.hpp")]
    tap.check("gates/layers: every body is included by its header", orphans)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
