import ZooData
import ZooFormat
import ZooGraph
import ZooImages
import ZooLearning
import ZooRuntime
import ZooSystem
import ZooTensor

/// Compares backbones, and layers of them, by what a linear head makes of their features of the same pictures.
///
/// All layers of a backbone come from one pass over the pictures. Each gets a probe, which is the head that
/// ``HeadTrainer`` trains, measured by cross-validation in the same parts for all.
public struct BackboneChooser: Sendable {
  /// How backbones are compared.
  public struct Options: Sendable {
    /// The layers to compare, which every backbone has to have; none: the last map of each resolution.
    public var layers: [String] = []
    /// Whether only what goes into the last global pooling is looked at, where no layers are given.
    public var isTopOnly = false
    /// The parts of cross-validation.
    public var folds = 5
    /// Another seed splits otherwise.
    public var seed: UInt64 = 0
    /// How many threads compute.
    public var threads = 1
    /// Where features are kept for later runs; nil: nowhere.
    public var cacheFolder: String?

    /// The last map of each resolution, on one thread and without a cache.
    public init() {}
  }

  /// What happens, for whoever shows it.
  public enum Progress: Sendable {
    /// Pictures whose features are there, and all, of one backbone.
    case pictures(model: String, done: Int, total: Int)
    /// Layers that were measured, and all, of one backbone.
    case layers(model: String, done: Int, total: Int)
  }

  /// A backbone, and how pictures are brought to its size.
  package struct Backbone: Sendable {
    package let file: ZooFile
    package let fitting: PictureFitting
    package let isUpright: Bool

    package init(file: ZooFile, fitting: PictureFitting, isUpright: Bool) {
      self.file = file
      self.fitting = fitting
      self.isUpright = isUpright
    }
  }

  /// The most layers of a backbone that are looked at unless some are asked for.
  static let stageLimit = 5

  /// How it compares.
  public let options: Options
  package let backbones: [Backbone]

  package init(backbones: [Backbone], options: Options) {
    self.backbones = backbones
    self.options = options
  }

  /// Compares the backbones on labelled pictures.
  ///
  /// Pictures that the data set apart for testing are left out. The first task of classes is the one that counts.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the result calls the data.
  ///   - progress: is told what happens.
  /// - Throws: `ZooError`; `ZooError.Code.unsuitable` where the data have no classes or a backbone takes no pictures.
  public func choose(
    for dataset: ImageDataset, named name: String, progress: (Progress) -> Void = { _ in }
  ) throws(ZooError) -> BackboneChoice {
    try ZooError.wrap {
      try BackboneComparison(chooser: self, dataset: dataset, name: name).run(progress: progress)
    }
  }
}
