#!/usr/bin/env bash
# The installed tree, moved, on a machine that has nothing: --help, check, ten steps of pretraining, an answer.
#
#   tests/dist/moved_tree.sh BUILD_FOLDER | FILE.tar.zst
#
# Where the kernel lets an ordinary user make a root of his own, the tree runs in a folder that holds it and glibc and
# nothing else: no shell, no Python, no compiler, no other library. Elsewhere under `env -i` with an empty PATH.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
from="$1"
work="$(mktemp -d "${TMPDIR:-/tmp}/athanor-dist.XXXXXX")"
trap 'rm -rf "$work"' EXIT
fail() { echo "moved_tree: $*" >&2; exit 1; }

# 1. Put it in one place, move it to another.
if [ -d "$from" ]; then
  cmake --install "$from" --prefix "$work/first/place" --strip > "$work/install.log" 2>&1 ||
    { tail -n 20 "$work/install.log" >&2; fail "cmake --install failed"; }
else
  mkdir -p "$work/first"
  tar --zstd -xf "$from" -C "$work/first"
  mv "$work"/first/* "$work/first/place"
fi
root="$work/root"
mkdir -p "$root/else where"
mv "$work/first/place" "$root/else where/tree"
tree="$root/else where/tree"

# 2. Nothing of the place where it was built is left in it.
for file in "$tree/bin/athanor" "$tree"/lib/athanor/*; do
  paths="$(readelf -d "$file" | sed -n 's/.*(R\(UN\)\?PATH).*\[\(.*\)\]/\2/p')"
  case "$file" in
    */bin/athanor) [ "$paths" = '$ORIGIN/../lib/athanor' ] || fail "bin/athanor looks for libraries in '$paths'" ;;
    */libathanor_torch.so) [ "$paths" = '$ORIGIN' ] || fail "libathanor_torch.so looks for libraries in '$paths'" ;;
    *) [ -z "$paths" ] || [[ "$paths" == '$ORIGIN'* ]] || fail "$file looks for libraries in '$paths'" ;;
  esac
done
for file in "$tree/bin/athanor" "$tree/lib/athanor/libathanor_torch.so"; do
  ! grep -aqF "$(cd "$here/../.." && pwd)/" "$file" || fail "${file##*/} holds the path of its sources"
done

# 3. Every library but glibc comes from the tree.
loader=/lib64/ld-linux-x86-64.so.2
for file in "$tree/bin/athanor" "$tree/lib/athanor/libathanor_torch.so"; do
  outside="$(env -i "$loader" --list "$file" | sed -n 's/.*=> \(.*\) (0x.*/\1/p' | grep -vF "$tree/" |
    grep -Ev '/(ld-linux-x86-64|lib(c|m|mvec|dl|pthread|rt|resolv|util))\.so\.[0-9]$' || true)"
  [ -z "$outside" ] || fail "${file##*/} takes libraries from outside the tree: $outside"
done

# 4. A root with the tree, the texts and glibc.
cp "$here/tiny.yaml" "$root/tiny.yaml"
for i in $(seq 1 60); do
  echo "Fellow citizens, this is paper number $i: the harvest of year $((1790 + i)) was good and the roads are mended."
done > "$root/texts.txt"
mkdir -p "$root/proc" "$root/tmp" "$root/etc" "$root/lib64" "$root/lib/x86_64-linux-gnu"
cp -L "$loader" "$root/lib64/"
glibc="$(dirname "$(env -i "$loader" --list /bin/sh | sed -n 's/.*libc.so.6 => \([^ ]*\).*/\1/p')")"
for name in libc.so.6 libm.so.6 libmvec.so.1 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libutil.so.1; do
  cp -L "$glibc/$name" "$root/lib/x86_64-linux-gnu/"
done
if unshare --user --map-root-user --mount mount --rbind /proc "$root/proc" 2> /dev/null; then
  how="a root of its own"
  athanor() {
    unshare --user --map-root-user --mount env -i "$(command -v sh)" -c '
      mount="$1"; root="$2"; tool="$3"; shift 3
      "$mount" --rbind /proc "$root/proc" && exec "$tool" "$root" "/else where/tree/bin/athanor" "$@"' \
      sh "$(command -v mount)" "$root" "$(command -v chroot)" "$@"
  }
else
  how="an empty environment"
  athanor() { (cd "$root" && env -i PATH=/nonexistent "$tree/bin/athanor" "$@"); }
fi

# 5. Run it.
athanor --help > "$work/help.txt" || fail "--help failed in $how"
grep -q pretrain "$work/help.txt" || fail "--help does not name pretrain"
athanor check tiny.yaml runs=runs > "$work/check.txt" 2>&1 || { cat "$work/check.txt" >&2; fail "check failed in $how"; }
grep -q 'all types fit' "$work/check.txt" || fail "check says: $(cat "$work/check.txt")"
athanor run tiny.yaml runs=runs > "$work/run.txt" 2>&1 || { cat "$work/run.txt" >&2; fail "run failed in $how"; }
model="$(echo "$root"/runs/pretrain-*/out/model.safetensors)"
[ -s "$model" ] || fail "no model.safetensors was written"
[ "$(grep -c '"type":"step"' "$root"/runs/pretrain-*/events.jsonl)" = 10 ] || fail "the pretraining has not 10 step events"
grep -q 'pretrain' "$work/run.txt" || fail "run printed no line for pretrain"
echo "moved_tree: --help, check and a run of $(ls -d "$root"/runs/*-* | wc -l) steps pass in $how"
