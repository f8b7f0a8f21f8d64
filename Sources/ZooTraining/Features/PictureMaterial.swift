import ZooData
import ZooImages

/// The pictures behind a report, for whoever shows some of them.
package struct PictureMaterial: Sendable {
  package let tasks: [ImageDataset.Task]
  /// Those that could be read.
  package let examples: [ImageDataset.Example]
  /// Which of ``examples`` are copies, by their indices.
  package let pairs: [DuplicateFinder.Pair]
  /// Brings pictures to the network's size as it was done.
  package let loader: PictureLoader
  /// How many views of each there are.
  package let viewCount: Int
  /// How they are made.
  package let views: PictureViews
  /// How pixels become the network's numbers.
  package let preprocessing: String
}
