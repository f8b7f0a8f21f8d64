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
        "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime", "ZooModels",
        "ZooConversion",
      ]),
    .executableTarget(
      name: "zoo-cli",
      dependencies: [
        "ModelZoo", "ZooTensor", "ZooGraph", "ZooImages", "ZooFormat", "ZooRuntime", "ZooModels",
        "ZooWeightFiles", "ZooConversion", argumentParser,
      ]),

    // MARK: Internal, from the bottom up
    .target(name: "ZooTensor", dependencies: ["CZooProcess"]),
    .target(name: "ZooGraph", dependencies: ["ZooTensor"]),
    .target(name: "ZooModels", dependencies: ["ZooTensor", "ZooGraph"], path: "zoo"),
    .target(name: "ZooImages", dependencies: ["ZooTensor", "ZooGraph", "CTurboJPEG", "CPNG"]),
    .target(name: "ZooWeightFiles", dependencies: ["ZooTensor", "CHDF5", "CZlib", "CZooProcess"]),
    .target(name: "ZooFormat", dependencies: ["ZooTensor", "ZooGraph", "CXXHash", crypto]),
    .target(name: "ZooReference", dependencies: ["ZooTensor", "ZooGraph"]),
    .target(name: "ZooRuntime", dependencies: ["ZooTensor", "ZooGraph", "CZooKernels"]),
    .target(
      name: "ZooConversion",
      dependencies: [
        "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime", "ZooReference",
        "ZooModels",
      ]),

    // MARK: Benchmarks
    .executableTarget(
      name: "zoo-benchmarks",
      dependencies: [
        "ZooTensor", "ZooGraph", "ZooImages", "ZooModels", "ZooRuntime", "ZooConversion", "ZooFormat",
        "ZooWeightFiles",
      ],
      path: "Sources/ZooBenchmarks"),

    // MARK: Fuzzing
    .executableTarget(
      name: "zoo-fuzz",
      dependencies: [
        "ZooTensor", "ZooGraph", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooRuntime", "ZooReference",
        "ZooConversion", "ZooTestSupport", "CZlib", "CZooProcess", crypto,
      ],
      path: "Sources/ZooFuzz"),

    // MARK: C
    .target(name: "CZooKernels"),
    .target(name: "CZooProcess"),
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
    .target(name: "ZooTestSupport", dependencies: ["ZooTensor", "ZooGraph"]),
    .testTarget(name: "ZooTestSupportTests", dependencies: ["ZooTestSupport"]),
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooTensor"]),
    .testTarget(name: "ZooGraphTests", dependencies: ["ZooGraph", "ZooTensor"]),
    .testTarget(name: "ZooModelsTests", dependencies: ["ZooModels", "ZooGraph", "ZooTensor"]),
    .testTarget(
      name: "ZooWeightFilesTests", dependencies: ["ZooWeightFiles", "ZooTensor", "ZooTestSupport"]),
    .testTarget(
      name: "ZooFormatTests", dependencies: ["ZooFormat", "ZooModels", "ZooGraph", "ZooTensor", crypto]),
    .target(
      name: "KernelChecks", dependencies: ["CZooKernels"], path: "Tests/KernelChecks", exclude: ["main.c"]),
    .testTarget(
      name: "ZooReferenceTests", dependencies: ["ZooReference", "ZooGraph", "ZooTensor", "ZooTestSupport"]),
    .testTarget(
      name: "ZooRuntimeTests",
      dependencies: [
        "ZooRuntime", "ZooReference", "ZooModels", "ZooGraph", "ZooTensor", "ZooTestSupport", "KernelChecks",
      ]),
    .testTarget(
      name: "ZooConversionTests",
      dependencies: [
        "ZooConversion", "ZooFormat", "ZooImages", "ZooModels", "ZooGraph", "ZooRuntime", "ZooReference",
        "ZooTensor", "ZooTestSupport", "ZooWeightFiles",
      ]),
    .testTarget(name: "ModelZooTests", dependencies: ["ModelZoo"]),
    .testTarget(
      name: "CommandLineTests",
      dependencies: ["zoo-cli", "zoo-fuzz", "ModelZoo", "ZooTensor", "ZooTestSupport", "ZooWeightFiles"]),
    .testTarget(name: "ZooImagesTests", dependencies: ["ZooImages", "ZooGraph", "ZooTensor"]),
  ],
  swiftLanguageModes: [.v6]
)
