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
    .target(name: "ZooImages", dependencies: ["ZooTensor", "ZooGraph", "CTurboJPEG", "CPNG"]),

    // MARK: C
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),

    // MARK: Tests
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooTensor"]),
    .testTarget(name: "ZooGraphTests", dependencies: ["ZooGraph", "ZooTensor"]),
    .testTarget(name: "ZooModelsTests", dependencies: ["ZooModels", "ZooGraph", "ZooTensor"]),
    .testTarget(name: "ZooImagesTests", dependencies: ["ZooImages", "ZooGraph", "ZooTensor"]),
  ],
  swiftLanguageModes: [.v6]
)
