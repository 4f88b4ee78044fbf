# Sourced by run, test and stick: what the machine needs, what is missing, and how to bring it in.
# Everything is said before it is done, rights are asked for once, and nothing is done twice.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"
# On a stick made by packaging/stick, wheels and Debian packages lie beside the program.
STICK=""
if [ -f "$ROOT/../made-for" ]; then STICK=$(cd "$ROOT/.." && pwd); fi

PYTHON_PACKAGES="python3 python3-venv"
QT_PACKAGES="libegl1 libgl1 libxkbcommon0 libdbus-1-3 libfontconfig1 libfreetype6 libglib2.0-0
  libx11-6 libzstd1 fonts-dejavu-core fonts-noto-core fonts-noto-cjk libosmesa6"
WINDOW_PACKAGES="libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0 libxcb-render-util0
  libxcb-util1 libxcb-randr0 libxcb-render0 libxcb-shape0 libxcb-shm0 libxcb-sync1 libxcb-xfixes0
  libxcb-xkb1 libxkbcommon-x11-0 libx11-xcb1 libgl1-mesa-dri libglx-mesa0"
TEST_PACKAGES="dicom3tools dcmtk poppler-utils"

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 2; }

# Those of the names that are not installed. Ubuntu 24.04 and Debian 13 renamed a few libraries
# (64-bit time): there `t64` follows the name, and apt-get still understands the old one.
missing_packages() {
  local name here
  here=$(dpkg-query -W -f '\n${db:Status-Status} ${Package} ' "$@" "${@/%/t64}" 2>/dev/null || true)
  for name in "$@"; do
    case "$here" in
      *$'\n'"installed $name "* | *$'\n'"installed ${name}t64 "*) ;;
      *) printf '%s ' "$name" ;;
    esac
  done
}

# A Python that fits; on a stick only the version whose wheels lie there.
find_python() {
  local name wanted=""
  [ -z "$STICK" ] || wanted=$(made_for python)
  for name in python3.13 python3.12 python3.11 python3; do
    if command -v "$name" >/dev/null && "$name" - "$wanted" 2>/dev/null <<'PY'
import sys, venv, ensurepip
fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
sys.exit(not (fits and sys.argv[1] in ("", "%d.%d" % sys.version_info[:2])))
PY
    then command -v "$name"; return 0; fi
  done
  return 1
}

# made_for release|machine|python: what the stick was made on.
made_for() { sed -n "s/^$1=//p" "$STICK/made-for"; }
wanted_python() {
  if [ -n "$STICK" ]; then printf 'Python %s (the stick has its libraries)' "$(made_for python)"
  else printf 'Python 3.11, 3.12 or 3.13'; fi
}
this_release() { (. /etc/os-release && printf '%s' "${VERSION_CODENAME:-$ID}"); }

# The packages that are missing, by name, then one question, then one installation.
install_packages() {
  local missing as_root=""
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "This needs Debian or Ubuntu: apt-get is not here. Missing: $missing"
  say "These packages of the system are missing:"
  say "  $missing"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || ask_administrator "$missing"
    as_root=sudo
  fi
  if [ -z "${MEDVIEW_YES:-}" ] && [ -t 0 ]; then
    read -r -p "Install them now (needs administrator rights)? [Y/n] " answer
    case "$answer" in [nN]*) fail "Nothing was changed.";; esac
  fi
  [ -z "$as_root" ] || [ -t 0 ] || sudo -n true 2>/dev/null || ask_administrator "$missing"
  if [ -n "$STICK" ]; then
    install_from_stick "$as_root" $missing
  else
    install_from_network "$as_root" $missing
  fi
}

ask_administrator() {
  local command="apt-get update && apt-get install --no-install-recommends $1"
  [ -z "$STICK" ] || command="$ROOT/packaging/run --packages"
  fail "Nothing was changed. Ask an administrator to run, as root:
  $command"
}

install_from_network() {
  local as_root=$1; shift
  $as_root env DEBIAN_FRONTEND=noninteractive sh -c 'apt-get update -q &&
    apt-get install -q -y --no-install-recommends "$@"' install "$@" ||
    fail "The packages could not be installed: see above."
}

# The stick is a small repository of its own; apt-get takes from it what is missing, and nothing
# of the machine's own lists and sources is read or changed.
install_from_stick() {
  local as_root=$1 place only; shift
  [ "$(made_for release) $(made_for machine)" = "$(this_release) $(uname -m)" ] ||
    fail "The packages on the stick are for $(made_for release) $(made_for machine); this is $(this_release) $(uname -m).
Make a stick on a system like this one, or install the packages from another source."
  place=$(mktemp -d)
  mkdir -p "$place/lists/partial" "$place/cache/archives/partial"
  ln -s "$STICK/debs" "$place/debs"
  printf 'deb [trusted=yes] file:%s/debs ./\n' "$place" > "$place/sources"
  only=(-o "Dir::Etc::sourcelist=$place/sources" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$place/lists" -o "Dir::Cache=$place/cache" -o APT::Sandbox::User=root)
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get "${only[@]}" -qq update &&
    $as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get "${only[@]}" -q install -y --no-install-recommends "$@" ||
    fail "The packages could not be installed from the stick: see above."
  $as_root rm -rf "$place"
}

# The stamp names everything that decides what is in the environment.
wanted_stamp() {
  { "$1" --version; cat "$ROOT/constraints.txt" "$ROOT/pyproject.toml"; printf '%s %s' "$2" "$ROOT"; } |
    sha256sum | cut -d' ' -f1
}

pip_install() {
  local options=(--prefer-binary)
  [ -t 1 ] || options+=(-q)
  [ -z "$STICK" ] || options+=(--no-index --find-links "$STICK/wheels")
  "$VENV/bin/python" -m pip install "${options[@]}" -c "$ROOT/constraints.txt" "$@"
}

# What would make the installation fail late is said early.
check_place() {
  local free copy="Copy ${STICK:-$ROOT} to a disk of this machine and run it there."
  [ -w "$ROOT" ] || fail "$ROOT cannot be written to. $copy"
  ln -s . "$ROOT/.link-$$" 2>/dev/null && rm -f "$ROOT/.link-$$" ||
    fail "The file system of $ROOT knows no links, which Python needs. $copy"
  free=$(df -Pm "$ROOT" | awk 'NR == 2 { print $4 }')
  [ "$free" -ge 3000 ] || fail "$ROOT needs 3 GB of free space; there are $free MB."
}

# set_up EXTRA: EXTRA is "" for the program alone, "[dev]" with what its tests need.
set_up() {
  local extra=$1 python stamp
  [ "$(uname -s)" = Linux ] || fail "These scripts are for Linux."
  shift
  if python=$(find_python); then install_packages "$@"; else install_packages $PYTHON_PACKAGES "$@"; fi
  python=$(find_python) || fail "$(wanted_python) is needed; this system has $(python3 --version 2>&1)."
  stamp=$(wanted_stamp "$python" "$extra")
  if [ -x "$VENV/bin/medview" ] && { [ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$stamp" ] ||
       [ "$(cat "$VENV/.stamp" 2>/dev/null)" = "$(wanted_stamp "$python" "[dev]")" ]; }; then
    return 0
  fi
  check_place
  # What an interrupted call left without pip is made anew; the rest is only completed.
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$python" -m venv --clear "$VENV" ||
    fail "The environment $VENV could not be made."
  pip_install setuptools || fail "setuptools could not be installed: see above."
  [ -n "$STICK" ] || "$VENV/bin/python" "$ROOT/packaging/sizes.py" "$ROOT" "$extra" || true
  say "Installing MedView and its libraries into $VENV ..."
  pip_install --no-build-isolation -e "$ROOT$extra" ||
    fail "The libraries could not be installed: see above. Call this again when the cause is mended."
  # OpenVINO computes networks two to four times as quickly on processors. Its package asks for one
  # that reports use to its maker: that one stays out. Without OpenVINO torch computes everything.
  pip_install --no-deps openvino || say "OpenVINO is not there for this machine: networks run in torch, more slowly."
  printf '%s' "$stamp" > "$VENV/.stamp"
}
