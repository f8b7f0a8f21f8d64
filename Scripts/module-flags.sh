# Sets `flags` to what swiftc needs to import the modules of a build that is there; to be sourced with `build` set to
# its folder, in the package's root.
flags=(-I "$build/Modules" -target "$(swift -print-target-info | sed -n 's/.*"unversionedTriple": "\(.*\)".*/\1/p' | head -1)")
[ "$(uname -s)" != Darwin ] || flags+=(-sdk "$(xcrun --show-sdk-path)")
for target in Sources/C*/; do
  target=$(basename "$target")
  for map in "$build/$target.build/module.modulemap" "Sources/$target/module.modulemap"; do
    [ -e "$map" ] && flags+=(-Xcc "-fmodule-map-file=$map")
  done
done
for flag in $(pkg-config --cflags hdf5 zlib libdeflate libturbojpeg libpng libwebpdemux libgif libtiff-4); do flags+=(-Xcc "$flag"); done
