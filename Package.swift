// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "model-zoo",
  platforms: [.macOS(.v15)],

  targets: [
    // MARK: Internal, from the bottom up
    .target(name: "ZooTensor"),
    .target(name: "ZooGraph", dependencies: ["ZooTensor"]),

    // MARK: Tests
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooTensor"]),
    .testTarget(name: "ZooGraphTests", dependencies: ["ZooGraph", "ZooTensor"]),
  ],
  swiftLanguageModes: [.v6]
)
