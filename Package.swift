// swift-tools-version: 6.1
import PackageDescription

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")

let package = Package(
  name: "model-zoo",
  platforms: [.macOS(.v15)],

  // MARK: What a program or a person uses
  products: [
    .library(name: "ModelZoo", targets: ["ModelZoo"]),
    .executable(name: "zoo", targets: ["zoo-cli"]),
  ],

  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-crypto", "3.12.0"..<"5.0.0"),
  ],

  targets: [
    // MARK: Public
    .target(
      name: "ModelZoo",
      dependencies: [
        "ZooSystem", "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime",
        "ZooModels",
        "ZooConversion",
      ]),
    .executableTarget(
      name: "zoo-cli",
      dependencies: [
        "ModelZoo", "ZooSystem", "ZooTensor", "ZooGraph", "ZooImages", "ZooFormat", "ZooRuntime", "ZooModels",
        "ZooWeightFiles", "ZooConversion", argumentParser,
      ]),

    // MARK: Internal, from the bottom up
    .target(name: "ZooSystem", dependencies: ["CZooSystem"]),
    .target(name: "ZooTensor", dependencies: ["ZooSystem"]),
    .target(name: "ZooGraph", dependencies: ["ZooSystem", "ZooTensor"]),
    .target(name: "ZooModels", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph"], path: "zoo"),
    .target(name: "ZooImages", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph", "CTurboJPEG", "CPNG"]),
    .target(
      name: "ZooWeightFiles", dependencies: ["ZooSystem", "ZooTensor", "CHDF5", "CZlib", "CZooSystem"]),
    .target(name: "ZooFormat", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph", "CXXHash", crypto]),
    .target(name: "ZooReference", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph"]),
    .target(name: "ZooRuntime", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph", "CZooKernels"]),
    .target(
      name: "ZooConversion",
      dependencies: [
        "ZooSystem", "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime",
        "ZooReference",
        "ZooModels",
      ]),

    // MARK: Benchmarks
    .executableTarget(
      name: "zoo-benchmarks",
      dependencies: [
        "ZooSystem", "ZooTensor", "ZooGraph", "ZooImages", "ZooModels", "ZooRuntime", "ZooConversion",
        "ZooFormat",
        "ZooWeightFiles",
      ],
      path: "Sources/ZooBenchmarks"),

    // MARK: Fuzzing
    .executableTarget(
      name: "zoo-fuzz",
      dependencies: [
        "ZooSystem", "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime",
        "ZooReference",
        "ZooConversion", "ZooTestSupport", "CZlib", "CZooSystem", crypto,
      ],
      path: "Sources/ZooFuzz"),

    // MARK: C
    .target(name: "CZooKernels"),
    .target(name: "CZooSystem"),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CXXHash", pkgConfig: "libxxhash",
      providers: [.apt(["libxxhash-dev"]), .brew(["xxhash"])]),

    // MARK: Tests
    .target(name: "ZooTestSupport", dependencies: ["ZooSystem", "ZooTensor", "ZooGraph"]),
    .testTarget(name: "ZooTestSupportTests", dependencies: ["ZooTestSupport"]),
    .testTarget(name: "ZooSystemTests", dependencies: ["ZooSystem"]),
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooSystem", "ZooTensor"]),
    .testTarget(name: "ZooGraphTests", dependencies: ["ZooGraph", "ZooSystem", "ZooTensor"]),
    .testTarget(name: "ZooModelsTests", dependencies: ["ZooModels", "ZooGraph", "ZooSystem", "ZooTensor"]),
    .testTarget(
      name: "ZooWeightFilesTests",
      dependencies: ["ZooWeightFiles", "ZooSystem", "ZooTensor", "ZooTestSupport"]),
    .testTarget(
      name: "ZooFormatTests",
      dependencies: ["ZooFormat", "ZooModels", "ZooGraph", "ZooSystem", "ZooTensor", crypto]),
    .target(
      name: "KernelChecks", dependencies: ["CZooKernels"], path: "Tests/KernelChecks", exclude: ["main.c"]),
    .testTarget(
      name: "ZooReferenceTests",
      dependencies: ["ZooReference", "ZooGraph", "ZooSystem", "ZooTensor", "ZooTestSupport"]),
    .testTarget(
      name: "ZooRuntimeTests",
      dependencies: [
        "ZooRuntime", "ZooReference", "ZooModels", "ZooGraph", "ZooSystem", "ZooTensor", "ZooTestSupport",
        "KernelChecks",
      ]),
    .testTarget(
      name: "ZooConversionTests",
      dependencies: [
        "ZooConversion", "ZooFormat", "ZooImages", "ZooModels", "ZooGraph", "ZooRuntime", "ZooReference",
        "ZooSystem", "ZooTensor", "ZooTestSupport", "ZooWeightFiles",
      ]),
    .testTarget(name: "ModelZooTests", dependencies: ["ModelZoo", "ZooSystem"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "zoo-cli", "zoo-fuzz", "ModelZoo", "ZooSystem", "ZooTensor", "ZooTestSupport", "ZooWeightFiles",
      ]),
    .testTarget(name: "ZooImagesTests", dependencies: ["ZooImages", "ZooGraph", "ZooSystem", "ZooTensor"]),
  ],
  swiftLanguageModes: [.v6]
)
