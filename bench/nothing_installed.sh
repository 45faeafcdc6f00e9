#!/bin/bash
# A fresh clone on a machine with nothing installed: builds this repository in a root of its own, which has the C library, a shell and the
# .NET SDK of this machine and no library for slides, JPEG or JPEG 2000, and takes a Philips-like slide and a JPEG 2000 slide through audit,
# tile, pretrain and embed. Debian or Ubuntu (dpkg knows the files), as root (a mount namespace); packages come from NuGet's cache.
#
#     bench/nothing_installed.sh ROOT JPEG2000.svs
#
# ROOT is made; JPEG2000.svs is a slide that may not say its pixel size, which is taken for 0.5 µm. The results are in
# bench/results/nothing-installed.md.
set -euo pipefail
root=$(realpath -m "$1"); slide=$(realpath "$2"); clone=$(cd "$(dirname "$0")/.." && pwd)
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")"); packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}
mkdir -p "$root"/{proc,dev,tmp,root/.nuget/packages,src,data,etc,usr/{bin,sbin,lib,lib64,share/dotnet}}
for link in bin sbin lib lib64; do ln -sfn usr/$link "$root/$link"; done
# What .NET needs of Debian, and a shell; certificates for NuGet.
for package in libc6 libc-bin libgcc-s1 libstdc++6 zlib1g 'libicu[0-9]*' 'libssl3*' bash coreutils libtinfo6 libselinux1 libpcre2-8-0 \
    libacl1 libattr1 libgmp10 findutils ca-certificates; do
    for known in $(dpkg-query -W -f '${Package}\n' "$package"); do
        dpkg -L "$known" | grep -v -E '^/usr/share/(doc|man|locale)' | while read -r file; do
            { [ -e "$file" ] && { [ ! -d "$file" ] || [ -L "$file" ]; }; } || continue
            case $file in /lib/*|/bin/*|/sbin/*|/lib64/*) to=$root/usr$file;; *) to=$root$file;; esac
            mkdir -p "$(dirname "$to")"; cp -a "$file" "$to"
        done
    done
done
ln -sf bash "$root/usr/bin/sh"; ln -sf /usr/share/dotnet/dotnet "$root/usr/bin/dotnet"; cp -aL /etc/{ssl,resolv.conf,hosts,nsswitch.conf,passwd} "$root/etc/"
[ -d "$root/src/sslp" ] || git clone -q "$clone" "$root/src/sslp"
cp "$slide" "$root/data/"
cat > "$root/tmp/job.sh" <<'JOB'
cd /src/sslp && dotnet publish engine/SSLP.Cli -c Release --use-current-runtime -o artifacts/sslp || exit 1
export PATH=/src/sslp/artifacts/sslp:$PATH
rm -rf /tmp/job; mkdir /tmp/job; cd /tmp/job
echo "libraries for slides: $(find / -xdev \( -name 'libopenslide*' -o -name 'libopenjp2*' -o -name 'libturbojpeg*' -o -name 'libjpeg*' \) | wc -l)"
set -ex
sslp doctor
sslp synth --format philips --slides 2 --size 2048 --out philips
run() { # NAME SLIDES FLAGS
    sslp audit "$2" --patch 128 "${@:3}"
    sslp tile --slides "$2" --out $1.sslp --patch 128 --mpp 0.5 "${@:3}"
    sslp pretrain --tiles $1.sslp --out run-$1 --set max_steps=5 --set batch_size=16 --set input_size=64 --set width=32
    sslp embed --encoder run-$1/encoder.safetensors --slides "$2" --out feat-$1 "${@:3}"
}
run philips philips
run jpeg2000 /data --assume-mpp 0.5
JOB
export root dotnet packages
exec unshare -m bash -c '
    mount --bind "$dotnet" "$root/usr/share/dotnet"; mount -o remount,ro,bind "$root/usr/share/dotnet"
    mount --bind "$packages" "$root/root/.nuget/packages"; mount -o remount,ro,bind "$root/root/.nuget/packages"
    mount -t proc proc "$root/proc"; mount --rbind /dev "$root/dev"
    exec chroot "$root" env -i HOME=/root PATH=/usr/bin:/usr/sbin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt bash /tmp/job.sh'
