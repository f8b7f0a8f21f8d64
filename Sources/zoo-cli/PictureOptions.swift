import ArgumentParser
import ModelZooTools

/// How a command reads pictures.
struct PictureOptions: ParsableArguments {
  @Option(help: "How pixels are computed when an image is resized, as Pillow does it.")
  var resize = Resampling.bilinear

  @Option(
    help: ArgumentHelp(
      "Keep the proportion of an image and cut off its border, instead of stretching it. A fraction up to 1 is "
        + "timm's crop_pct: 0.875 is torchvision's Resize(256) and CenterCrop(224) for an input of 224x224. A number "
        + "of pixels is what the short side is resized to before the centre is cut out, as in Resize(256). aspect is "
        + "Keras' keep_aspect_ratio=True: only the longer side is cut.",
      valueName: "fraction|pixels|aspect"),
    completion: .list(["aspect", "0.875", "0.95", "1"]))
  var crop: CropOption?

  @Flag(
    name: .customLong("exif"),
    help: ArgumentHelp(
      "Turn images as their EXIF orientation says. Keras' load_img does not, except for TIFF, and neither does zoo "
        + "without this flag."))
  var isUpright = false

  /// Names what is left out of folders because nothing here decodes it.
  func warnOfOthers(in images: [String]) throws {
    let others = try PictureSource.unread(in: images)
    guard !others.isEmpty else { return }
    let named = others.prefix(3).map { "\($0.path) (\($0.format))" }.joined(separator: ", ")
    Terminal.warning(
      "left out \(others.count) \(others.count == 1 ? "image" : "images") of formats that are not read: \(named)"
        + (others.count > 3 ? ", …" : ""))
  }

  var fitting: PictureFitting { PictureFitting(resampling: resize, crop: crop?.crop ?? .none) }
}

extension Resampling: ExpressibleByArgument {}

/// `--crop 0.875`, `--crop 256` or `--crop aspect`.
struct CropOption: ExpressibleByArgument {
  let crop: PictureFitting.Crop

  init?(argument: String) {
    if argument == "aspect" {
      crop = .aspect
    } else if let number = Double(argument), number >= 0.1, number <= 1 {
      crop = .fraction(number)
    } else if let pixels = Int(argument), (2...16384).contains(pixels) {
      crop = .shortSide(pixels)
    } else {
      return nil
    }
  }
}
