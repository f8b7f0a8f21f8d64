/// The networks of `keras.applications`, by the names of the functions that make them.
///
/// Those that have no ``Architecture`` convert from whole models.
package enum KerasApplications {
  private static let families: [String: [String]] = [
    "ConvNeXt": ["Tiny", "Small", "Base", "Large", "XLarge"],
    "DenseNet": ["121", "169", "201"],
    "EfficientNet": (0...7).map { "B\($0)" } + (0...3).map { "V2B\($0)" } + ["V2S", "V2M", "V2L"],
    "Inception": ["V3", "ResNetV2"],
    "MobileNet": ["", "V2", "V3Small", "V3Large"],
    "NASNet": ["Mobile", "Large"],
    "ResNet": ["50", "101", "152", "50V2", "101V2", "152V2"],
    "VGG": ["16", "19"],
    "Xception": [""],
  ]

  package static let names = families.flatMap { family, members in members.map { family + $0 } }.sorted()

  /// The function that `text` means, whatever the case and punctuation.
  package static func name(_ text: String) -> String? {
    func plain(_ text: String) -> String { text.lowercased().filter { $0.isLetter || $0.isNumber } }
    return names.first { plain($0) == plain(text) }
  }
}
