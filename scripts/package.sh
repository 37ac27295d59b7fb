#!/usr/bin/env bash
# package.sh BINARY FOLDER: puts a Debian package of the built daemon and what belongs to it into FOLDER.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

binary=$1
folder=$2
version=$(sed -n 's/^project(forebay VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
architecture=$(dpkg --print-architecture)
root=$folder/root
umask 022
rm -rf "$root"
mkdir -p "$root/DEBIAN"

# put MODE SOURCE TARGET: copies a file, with the version where it is asked for.
put() {
  mkdir -p "$(dirname "$root/$3")"
  sed "s/@VERSION@/$version/g" "$2" >"$root/$3"
  chmod "$1" "$root/$3"
}

install -D -m 755 "$binary" "$root/usr/bin/forebay"
strip --strip-unneeded --remove-section=.comment "$root/usr/bin/forebay"
put 644 packaging/forebay.service lib/systemd/system/forebay.service
put 644 packaging/forebay.socket lib/systemd/system/forebay.socket
put 640 config/forebay.example.yaml etc/forebay/forebay.yaml
sed -i "s#schema=forebay.schema.json#schema=/usr/share/forebay/forebay.schema.json#" "$root/etc/forebay/forebay.yaml"
put 644 config/forebay.schema.json usr/share/forebay/forebay.schema.json
put 644 docs/configuration.md usr/share/doc/forebay/configuration.md
put 644 docs/operations.md usr/share/doc/forebay/operations.md
put 644 packaging/debian/copyright.in usr/share/doc/forebay/copyright
put 644 CHANGELOG.md usr/share/doc/forebay/changelog
put 644 packaging/forebay.8.in usr/share/man/man8/forebay.8
gzip -9 -n "$root/usr/share/doc/forebay/changelog" "$root/usr/share/man/man8/forebay.8"

# Which packages the libraries come from: dpkg-shlibdeps wants to be called in a source package.
mkdir -p "$folder/source/debian"
printf 'Source: forebay\n\nPackage: forebay\nArchitecture: any\n' >"$folder/source/debian/control"
program=$(readlink -f "$root/usr/bin/forebay")
depends=$(cd "$folder/source" && dpkg-shlibdeps -O "$program" 2>"$folder/shlibdeps.log") || {
  cat "$folder/shlibdeps.log" >&2
  exit 1
}
sed -e "s/@VERSION@/$version/; s/@ARCHITECTURE@/$architecture/; s/@SIZE@/$(du -sk --apparent-size "$root" | cut -f1)/" \
  -e "s/@DEPENDS@/${depends#shlibs:Depends=}/" packaging/debian/control.in >"$root/DEBIAN/control"
echo /etc/forebay/forebay.yaml >"$root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
  install -m 755 "packaging/debian/$script" "$root/DEBIAN/$script"
done
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\0' | sort -z | xargs -0 md5sum) \
  >"$root/DEBIAN/md5sums"

# The same commit gives the same package.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
export SOURCE_DATE_EPOCH
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
package=$folder/forebay_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
rm -rf "$root" "$folder/source" "$folder/shlibdeps.log"
echo "$package"
