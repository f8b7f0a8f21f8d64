import ZooGraph
import ZooImages

extension Model {
  /// How pictures are cropped and resized for this model: as they were when it was trained, where that is recorded,
  /// or as the program does that it comes from; else whole and bilinearly.
  public var fitting: PictureFitting {
    (training?.pixels ?? card.pixels).flatMap { PictureFitting($0) } ?? PictureFitting()
  }

  /// Whether the model was trained on pictures that were turned as their EXIF orientation says.
  public var expectsUprightPictures: Bool { training?.pixels.isUpright ?? false }
}

extension PictureFitting {
  /// What a training record says; nil where this version does not know it.
  package init?(_ pixels: TrainingRecord.Pixels) {
    guard let resampling = Resampling(rawValue: pixels.resampling) else { return nil }
    guard let crop = pixels.crop else {
      self.init(resampling: resampling)
      return
    }
    guard let known = Crop(name: crop) else { return nil }
    self.init(resampling: resampling, crop: known)
  }
}
