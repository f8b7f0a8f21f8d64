import ArgumentParser
import ModelZooTools

/// How a command reads pictures.
struct PictureOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How pixels are computed when an image is resized, as Pillow does it; by default as the model was trained, "
        + "or bilinear."))
  var resize: Resampling?

  @Option(
    help: ArgumentHelp(
      "Keep the proportion of an image and cut off its border, instead of stretching it. A fraction up to 1 is "
        + "timm's crop_pct: 0.875 is torchvision's Resize(256) and CenterCrop(224) for an input of 224x224. A number "
        + "of pixels is what the short side is resized to before the centre is cut out, as in Resize(256). aspect is "
        + "Keras' keep_aspect_ratio=True: only the longer side is cut. none stretches images for a model that says "
        + "otherwise.",
      valueName: "fraction|pixels|aspect|none"),
    completion: .list(["aspect", "0.875", "0.95", "1", "none"]))
  var crop: CropOption?

  @Flag(
    inversion: .prefixedNo,
    help: ArgumentHelp(
      "Turn images as their EXIF orientation says; by default as the model was trained. Keras' load_img does not, "
        + "except for TIFF, and neither does zoo with other models."))
  var exif: Bool?

  /// Names what is left out of folders because nothing here decodes it.
  func warnOfOthers(in images: [String]) throws {
    let others = try PictureSource.unread(in: images)
    guard !others.isEmpty else { return }
    let named = others.prefix(3).map { "\($0.path) (\($0.format))" }.joined(separator: ", ")
    Terminal.warning(
      "left out \(others.count) \(others.count == 1 ? "image" : "images") of formats that are not read: \(named)"
        + (others.count > 3 ? ", …" : ""))
  }

  /// How images are brought to the size that `model` takes: what is not given is as it was trained.
  func fitting(for model: Model) -> PictureFitting {
    var fitting = model.fitting
    if let resize { fitting.resampling = resize }
    if let crop { fitting.crop = crop.crop }
    return fitting
  }

  /// Whether images are turned for `model`.
  func isUpright(for model: Model) -> Bool { exif ?? model.expectsUprightPictures }
}

extension Resampling: ExpressibleByArgument {}

/// `--crop 0.875`, `--crop 256`, `--crop aspect` or `--crop none`.
struct CropOption: ExpressibleByArgument {
  let crop: PictureFitting.Crop

  init?(argument: String) {
    guard let crop = argument == "none" ? PictureFitting.Crop.none : PictureFitting.Crop(name: argument)
    else {
      return nil
    }
    self.crop = crop
  }
}
