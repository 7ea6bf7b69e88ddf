#!/bin/sh
# What the tests need of the system: installed on Debian as root, else named.
set -eu

packages="mariadb-server libmariadb-dev pkg-config gcc python3-dev weechat-headless weechat-plugins irssi openssl openssh-client gnutls-bin tmux ngircd inspircd"
missing=""
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing="$missing mariadbd"
command -v mariadb_config >/dev/null || missing="$missing mariadb_config"
for program in pkg-config gcc weechat-headless irssi openssl ssh-keygen gnutls-cli tmux; do
    command -v "$program" >/dev/null || missing="$missing $program"
done
for daemon in ngircd inspircd; do
    command -v "$daemon" >/dev/null || [ -x "/usr/sbin/$daemon" ] || missing="$missing $daemon"
done
# The tests type into WeeChat through its FIFO, which is a plugin of another package.
ls /usr/lib/*/weechat/plugins/fifo.so >/dev/null 2>&1 || missing="$missing weechat-plugins"
[ -n "$missing" ] || exit 0

if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing$missing ..."
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # No service may start: the tests run databases and servers of their own.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy
        trap 'rm -f $policy' EXIT
    fi
    # shellcheck disable=SC2086
    if apt-get update -qq >"$log" 2>&1 &&
        apt-get install -y -qq --no-install-recommends $packages >>"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    cat "$log" >&2
    echo "make test: apt-get could not install the packages; what it said is above" >&2
    exit 1
fi
echo "make test: missing on this machine:$missing" >&2
echo "Install them (their names on Debian: $packages) and run make test again." >&2
exit 1
