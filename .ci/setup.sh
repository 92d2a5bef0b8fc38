# Sourced by ./quickstart and ./test: installs missing Debian packages and configures a build folder.

say() { printf '== %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

build_packages=(g++ cmake ninja-build pkg-config libhwy-dev nlohmann-json3-dev libtomlplusplus-dev libfmt-dev libpcre2-dev
                libutf8proc-dev libcld2-dev libgmp-dev libmpfr-dev zlib1g-dev libzstd-dev)

# install_missing PACKAGE...: only what is not there; nothing is touched where all is.
install_missing() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "these packages are missing, and there is no apt-get to install them: ${missing[*]}"
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || die "these packages are missing; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  # A fresh machine has no package lists yet; a failed first attempt may be an old list.
  if ! { "${as_root[@]}" apt-get update && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
         apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    die "apt-get could not install the packages (all of its output: $log)"
  fi
  rm -f "$log"
}

# configure FOLDER [CMAKE ARGUMENT]...: quick where the folder is configured already.
configure() {
  local folder=$1
  shift
  local launcher=()
  if command -v ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
  local log
  log=$(mktemp)
  if ! cmake -S . -B "$folder" -G Ninja "${launcher[@]}" "$@" >"$log" 2>&1; then
    cat "$log" >&2
    die "CMake could not configure $folder"
  fi
  rm -f "$log"
}
