// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "model-zoo",
  platforms: [.macOS(.v15)],

  targets: [
    // MARK: Internal, from the bottom up
    .target(name: "ZooTensor"),
    .target(name: "ZooGraph", dependencies: ["ZooTensor"]),
    .target(name: "ZooModels", dependencies: ["ZooTensor", "ZooGraph"], path: "zoo"),

    // MARK: Tests
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooTensor"]),
    .testTarget(name: "ZooGraphTests", dependencies: ["ZooGraph", "ZooTensor"]),
    .testTarget(name: "ZooModelsTests", dependencies: ["ZooModels", "ZooGraph", "ZooTensor"]),
  ],
  swiftLanguageModes: [.v6]
)
