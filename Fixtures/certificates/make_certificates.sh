#!/usr/bin/env bash
# Makes an authority of our own, and three certificates by it for the tests of `zoo pull`: one for localhost, one for
# another name, and one that has expired. Needs openssl. The keys protect nothing.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

key "$work/authority.key"
openssl req -x509 -new -key "$work/authority.key" -sha256 -days 36500 -subj "/CN=Authority of the Tests" \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" -out authority.pem

# issue NAME SUBJECT-ALT-NAMES FROM TO: a certificate and its key in NAME.pem
issue() {
  key "$work/$1.key"
  openssl req -new -key "$work/$1.key" -subj "/CN=$1" -out "$work/$1.csr"
  touch "$work/index.txt"
  cat >"$work/ca.cnf" <<END
[ca]
default_ca = authority
[authority]
database = $work/index.txt
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[extensions]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = $2
END
  [ -e "$work/serial" ] || echo 1000 >"$work/serial"
  openssl ca -batch -notext -config "$work/ca.cnf" -extensions extensions -cert authority.pem \
    -keyfile "$work/authority.key" -startdate "$3" -enddate "$4" -in "$work/$1.csr" -out "$work/$1.crt" 2>/dev/null
  cat "$work/$1.crt" "$work/$1.key" >"$1.pem"
}

issue localhost DNS:localhost,IP:127.0.0.1 20250101000000Z 21240101000000Z
issue elsewhere DNS:models.example,DNS:www.models.example 20250101000000Z 21240101000000Z
issue expired DNS:localhost,IP:127.0.0.1 20200101000000Z 20200201000000Z
