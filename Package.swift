// swift-tools-version: 6.1
import PackageDescription

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// A product that `zoo pull` alone is made with: a program that states traits for this package, even none, never fetches
/// the product's package.
func pulling(_ name: String, of package: String) -> Target.Dependency {
  .product(name: name, package: package, condition: .when(traits: ["Pull"]))
}

// The layers of docs/architecture.md, from the bottom up: a module may use those of the layers below its own.
let ground: [Target.Dependency] = ["ZooSystem", "ZooTensor", "ZooGraph"]
let engines: [Target.Dependency] = ["ZooReference", "ZooRuntime"]

/// Elsewhere the system decodes images and checks signatures.
let otherThanApple: [Platform] = [.linux, .android, .windows, .openbsd]

/// What ZooImageFiles links there.
let imageLibraries = "libjpeg-turbo, libpng, libwebp, giflib and libtiff"

let package = Package(
  name: "model-zoo",
  platforms: [.macOS(.v15), .iOS(.v18)],

  // MARK: What a program or a person uses
  products: [
    // Opens and runs .zoo files; needs no library of the system.
    .library(name: "ModelZoo", targets: ["ModelZoo"]),
    // Converts, verifies, exports, compares: all that the command does.
    .library(name: "ModelZooTools", targets: ["ModelZooTools"]),
    .executable(name: "zoo", targets: ["zoo-cli"]),
  ],

  traits: [
    .default(enabledTraits: ["Pull"]),
    .trait(
      name: "Pull",
      description:
        "The command has `zoo pull`, which downloads weights; its HTTP client is a package of its own."
    ),
    .trait(
      name: "ImageFiles",
      description:
        "ModelZoo decodes image files; elsewhere than on Apple's systems, it links \(imageLibraries) for that."
    ),
    .trait(
      name: "CompressedFiles",
      description: "ModelZoo opens files that `zoo convert --compress` wrote; it links libzstd for that."),
  ],

  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    // For `zoo pull` and its tests alone.
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.30.0"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.81.0"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.30.0"),
  ],

  targets: [
    // MARK: Ground
    .target(name: "CZooSystem"),
    .target(name: "CZooHash"),
    .target(name: "CZooPixels"),
    .target(name: "CZooPlanes"),
    .target(name: "ZooSystem", dependencies: ["CZooHash", "CZooSystem"]),
    .target(name: "ZooTensor", dependencies: ["ZooSystem"]),
    .target(name: "ZooGraph", dependencies: ["ZooSystem", "ZooTensor"]),

    // MARK: Data
    .target(name: "ZooModels", dependencies: ground, path: "zoo"),
    .target(name: "ZooImages", dependencies: ground + ["CZooPixels", "CZooSystem"]),
    .target(
      name: "ZooWeightFiles",
      dependencies: ["ZooSystem", "ZooTensor", "CDeflate", "CHDF5", "CZlib", "CZooSystem"]),
    .target(name: "ZooFormat", dependencies: ground + ["CZooPlanes"]),
    .target(
      name: "ZooFetch",
      dependencies: [
        "ZooSystem", .target(name: "CSodium", condition: .when(platforms: otherThanApple, traits: ["Pull"])),
      ]),

    // MARK: Engines
    .target(name: "CZooKernels"),
    .target(name: "ZooRuntime", dependencies: ground + ["CZooKernels"]),
    .target(name: "ZooReference", dependencies: ground),
    .target(name: "ZooLearning", dependencies: ground + ["CZooKernels"]),

    // MARK: Importers
    .target(name: "ZooCompression", dependencies: ["ZooSystem", "ZooFormat", "CZstd"]),
    .target(name: "ZooKeras", dependencies: ground + ["ZooWeightFiles"]),
    .target(
      name: "ZooImageFiles",
      dependencies: [
        "ZooSystem", "ZooImages",
        .target(name: "CTurboJPEG", condition: .when(platforms: otherThanApple)),
        .target(name: "CPNG", condition: .when(platforms: otherThanApple)),
        .target(name: "CWebP", condition: .when(platforms: otherThanApple)),
        .target(name: "CGIF", condition: .when(platforms: otherThanApple)),
        .target(name: "CTIFF", condition: .when(platforms: otherThanApple)),
      ]),

    // MARK: Exporters
    .target(name: "ZooExport", dependencies: ground),

    // MARK: Reports
    .target(name: "ZooReports", dependencies: ground + ["ZooImages", "ZooImageFiles"]),

    // MARK: Datasets
    .target(name: "ZooData", dependencies: ["ZooSystem", "ZooTensor", "ZooImages", "ZooImageFiles"]),

    // MARK: Checks
    .target(
      name: "ZooVerification",
      dependencies: ground + ["ZooImages", "ZooImageFiles", "ZooWeightFiles", "ZooFormat"] + engines),

    // MARK: Work
    .target(
      name: "ZooConversion",
      dependencies: ground + [
        "ZooModels", "ZooImages", "ZooWeightFiles", "ZooFormat", "ZooReference", "ZooRuntime", "ZooKeras",
        "ZooVerification", "ZooCompression", "ZooExport",
      ]),

    .target(
      name: "ZooTraining",
      dependencies: ground + [
        "ZooImages", "ZooFormat", "ZooRuntime", "ZooLearning", "ZooData", "ZooVerification",
      ]),

    // MARK: Library
    .target(
      name: "ModelZoo",
      dependencies: ground + [
        "ZooImages", "ZooFormat", "ZooRuntime",
        .target(name: "ZooImageFiles", condition: .when(traits: ["ImageFiles"])),
        .target(name: "ZooCompression", condition: .when(traits: ["CompressedFiles"])),
      ]),

    // MARK: Tools
    .target(
      name: "ModelZooTools",
      dependencies: ground + [
        "ZooModels", "ZooImages", "ZooImageFiles", "ZooData", "ZooReports", "ZooWeightFiles", "ZooFormat",
        "ZooVerification", "ZooConversion", "ZooLearning", "ZooTraining", "ZooExport", "ModelZoo",
      ] + engines),

    // MARK: Clients
    .target(
      name: "ZooHTTP",
      dependencies: [
        "ZooSystem", "ZooFetch",
        pulling("AsyncHTTPClient", of: "async-http-client"),
        pulling("NIOCore", of: "swift-nio"),
        pulling("NIOPosix", of: "swift-nio"),
        pulling("NIOHTTP1", of: "swift-nio"),
        pulling("NIOSSL", of: "swift-nio-ssl"),
      ]),

    // MARK: Fronts
    .executableTarget(
      name: "zoo-cli",
      dependencies: ["ZooSystem", "ZooFetch", "ZooHTTP", "ModelZooTools", argumentParser]),

    // MARK: For development
    .target(name: "ZooTestSupport", dependencies: ground + ["ZooModels", "ZooExport"]),
    .executableTarget(
      name: "zoo-benchmarks",
      dependencies: ground + [
        "ZooModels", "ZooImages", "ZooImageFiles", "ZooData", "ZooWeightFiles", "ZooFormat", "ZooCompression",
        "CZooKernels", "ZooRuntime", "ZooLearning", "ZooVerification", "ZooConversion", "ModelZooTools",
        .target(name: "CTurboJPEG", condition: .when(platforms: otherThanApple)),
      ],
      path: "Sources/ZooBenchmarks"),
    .executableTarget(
      name: "zoo-fuzz",
      dependencies: ground + [
        "ZooImages", "ZooData", "ZooWeightFiles", "ZooFormat", "ZooCompression", "ZooKeras",
        "ZooVerification",
        "ZooConversion", "ZooTraining", "ZooTestSupport", "CZooSystem",
      ] + engines,
      path: "Sources/ZooFuzz"),

    // MARK: The system's libraries
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"]), .brew(["libdeflate"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
    .systemLibrary(
      name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"]), .brew(["libsodium"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg",
      providers: [.apt(["libturbojpeg0-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"]), .brew(["webp"])]),
    .systemLibrary(
      name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"]), .brew(["giflib"])]),
    .systemLibrary(
      name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"]), .brew(["libtiff"])]),

    // MARK: Tests
    .target(
      name: "HashChecks", dependencies: ["CZooHash"], path: "Tests/HashChecks", exclude: ["main.c"]),
    .testTarget(name: "ZooSystemTests", dependencies: ["ZooSystem", "ZooTestSupport", "HashChecks"]),
    .testTarget(name: "ZooTensorTests", dependencies: ["ZooSystem", "ZooTensor", "ZooTestSupport"]),
    .testTarget(name: "ZooGraphTests", dependencies: ground + ["ZooTestSupport"]),
    .testTarget(name: "ZooModelsTests", dependencies: ground + ["ZooModels", "ZooTestSupport"]),
    .testTarget(
      name: "ZooImagesTests", dependencies: ground + ["ZooImages", "ZooImageFiles", "ZooTestSupport"]),
    .testTarget(name: "ZooWeightFilesTests", dependencies: ground + ["ZooWeightFiles", "ZooTestSupport"]),
    .testTarget(name: "ZooFetchTests", dependencies: ["ZooSystem", "ZooFetch", "ZooTestSupport"]),
    .testTarget(
      name: "ZooFormatTests",
      dependencies: ground + ["ZooFormat", "ZooCompression", "ZooModels", "ZooTestSupport"]),
    .testTarget(
      name: "ZooReferenceTests",
      dependencies: ground + ["ZooModels", "ZooReference", "ZooExport", "ZooTestSupport"]),
    .target(
      name: "KernelChecks", dependencies: ["CZooKernels"], path: "Tests/KernelChecks", exclude: ["main.c"]),
    .testTarget(
      name: "ZooRuntimeTests",
      dependencies: ground + engines + ["ZooModels", "ZooTestSupport", "KernelChecks"]),
    .testTarget(
      name: "ZooLearningTests", dependencies: ground + ["CZooKernels", "ZooLearning"]),
    .testTarget(
      name: "ZooKerasTests",
      dependencies: ground + engines + [
        "ZooLearning", "ZooKeras", "ZooWeightFiles", "ZooExport", "ZooTestSupport",
      ]),
    .testTarget(
      name: "ZooExportTests",
      dependencies: ground + ["ZooModels", "ZooReference", "ZooExport", "ZooTestSupport"]),
    .testTarget(
      name: "ZooDataTests",
      dependencies: ground + ["ZooImages", "ZooImageFiles", "ZooData", "ZooTestSupport"]),
    .testTarget(
      name: "ZooReportsTests",
      dependencies: ground + ["ZooModels", "ZooImages", "ZooImageFiles", "ZooReports", "ZooTestSupport"]),
    .testTarget(
      name: "ZooVerificationTests", dependencies: ground + ["ZooImages", "ZooVerification", "ZooTestSupport"]),
    .testTarget(
      name: "ZooTrainingTests", dependencies: ["ZooSystem", "ZooTraining", "ZooTestSupport"]),
    .testTarget(
      name: "ZooConversionTests",
      dependencies: ground + engines + [
        "ZooModels", "ZooImages", "ZooImageFiles", "ZooWeightFiles", "ZooFormat", "ZooKeras",
        "ZooVerification", "ZooConversion", "ZooExport", "ZooTestSupport",
      ]),
    .testTarget(
      name: "ModelZooTests",
      dependencies: ground + ["ZooWeightFiles", "ZooFormat", "ZooReports", "ModelZooTools", "ZooTestSupport"]),
    .testTarget(name: "ZooTestSupportTests", dependencies: ["ZooTestSupport"]),
    .testTarget(name: "ZooHTTPTests", dependencies: ["ZooHTTP"]),
    .target(
      name: "FaultyServer",
      dependencies: [
        pulling("NIOCore", of: "swift-nio"),
        pulling("NIOConcurrencyHelpers", of: "swift-nio"),
        pulling("NIOPosix", of: "swift-nio"),
        pulling("NIOSSL", of: "swift-nio-ssl"),
      ],
      path: "Tests/FaultyServer"),
    .testTarget(
      name: "CommandLineTests",
      dependencies: ground + [
        "ZooWeightFiles", "ModelZooTools", "zoo-cli", "zoo-fuzz", "ZooTestSupport", "FaultyServer",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
