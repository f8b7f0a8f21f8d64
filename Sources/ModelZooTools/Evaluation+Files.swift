import ZooData
import ZooSystem
import ZooTraining

extension Evaluation {
  /// Runs a model on labelled pictures, as `zoo evaluate` does.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file of a classifier with labels, or of a model that this package trained.
  ///   - dataset: the pictures.
  ///   - name: what the result calls the data.
  ///   - part: which of the data set's parts; nil: the test part where there is one, else all pictures.
  ///   - options: how it is evaluated; nil: with pictures brought to size as the model was trained.
  ///   - progress: is told how many pictures are done.
  /// - Throws: `ZooError` with the code `ZooError.Code.doesNotFit` where the data have a class that the model has not.
  public init(
    model path: String, on dataset: ImageDataset, named name: String = "data", part: ImageDataset.Part? = nil,
    options: Options? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    let (file, options) = try Options.opening(path, options: options)
    try self.init(
      of: file, on: dataset, named: name, part: part, options: options, progress: progress)
  }
}
