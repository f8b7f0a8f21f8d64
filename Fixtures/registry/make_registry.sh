#!/bin/sh
# Writes the index of a registry, its signature and the public keys, by OpenSSL: key.pem has signed index.json,
# other.pem has not. The private keys are thrown away, so all files change together.
set -eu
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat > index.json <<JSON
{
  "version": 1,
  "files": [
    {
      "name": "digits", "address": "models/digits.h5",
      "bytes": $(wc -c < ../digits/digits.h5), "sha256": "$(sha256sum ../digits/digits.h5 | cut -d ' ' -f 1)",
      "title": "handwritten digits", "licence": "Apache-2.0", "preprocessing": "tf"
    },
    {
      "name": "digits", "variant": "untrained", "address": "/digits-untrained.h5",
      "bytes": $(wc -c < ../digits/digits-untrained.h5), "sha256": "$(sha256sum ../digits/digits-untrained.h5 | cut -d ' ' -f 1)"
    },
    {
      "name": "gone", "address": "models/gone.h5", "bytes": 1,
      "sha256": "0000000000000000000000000000000000000000000000000000000000000000", "architecture": "mobilenet"
    }
  ]
}
JSON
for name in key other; do
  openssl genpkey -algorithm ed25519 -out "$folder/$name.pem"
  openssl pkey -in "$folder/$name.pem" -pubout -out "$name.pem"
done
openssl pkeyutl -sign -rawin -inkey "$folder/key.pem" -in index.json -out index.json.sig
