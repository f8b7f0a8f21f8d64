// swift-tools-version: 6.1
import PackageDescription

// Programs that use the library, each small enough to read in a few minutes. `make examples` builds them.
let package = Package(
  name: "Examples",
  platforms: [.macOS(.v15), .iOS(.v18)],
  dependencies: [.package(name: "model-zoo", path: "..", traits: [])],
  targets: [
    // Runs models: needs no library of the system.
    .executableTarget(
      name: "CameraApp", dependencies: [.product(name: "ModelZoo", package: "model-zoo")]),
    // Decode image files too.
    .executableTarget(
      name: "Server", dependencies: [.product(name: "ModelZooTools", package: "model-zoo")]),
    .executableTarget(
      name: "BatchJob", dependencies: [.product(name: "ModelZooTools", package: "model-zoo")]),
  ],
  swiftLanguageModes: [.v6]
)
