import ZooFormat

/// What the checks of `zoo verify` accept. Each number stands here once, with the reason for it.
package enum Tolerances {
  // MARK: Engines

  /// How far the fast engine may be from the reference engine, of the largest value in a layer, or of the
  /// largest argument of the function that the layer ends in, times the function's slope: several times what
  /// 32-bit sums of this length lose at worst.
  static let layer = 2e-5

  /// How far outputs may be from the recorded ones of the test case in a file, of the largest value: a
  /// hundred times what engines differ by, a hundredth of what a mistake makes.
  static let testCase = 1e-4

  /// The same of a network that is computed on codes of 8 bits: where layers in front are computed in floats, another
  /// instruction set may round a value to the next code, and few codes make an output.
  static let integerTestCase = 0.02

  /// How far outputs may be from those of the original weights, of the largest value.
  package static func outputs(_ storage: StorageType) -> Double {
    switch storage {
    // An order of magnitude above what two sound engines differ by in 32-bit floats.
    case .f32: 2e-5
    // Rounding weights to 11 significant bits moves outputs by some ten-thousandths, and every layer
    // amplifies it.
    case .f16: 2e-3
    // 8 significant bits, and about as many in whole numbers.
    case .bf16, .int8: 2e-2
    case .int4: 0.1
    }
  }

  /// How far activations of 8 bits may move outputs, unless somebody sets another limit: the root of the mean square over
  /// their deviation. Synthetic pictures show twice what photographs do; first classes that are at all clear stay the same.
  package static let integerOutputs = 0.2

  /// The same of kernels alone, where the limit on outputs is the one that counts.
  package static let codedKernels = 2.0

  /// How far weights of a smaller type may move the values of any layer, of the largest, unless somebody sets another
  /// limit.
  package static func precision(_ storage: StorageType) -> Double {
    switch storage {
    case .f32: 0
    // Layers with few channels amplify rounding most; the outputs move by a tenth of this: probabilities of a
    // trained MobileNet by less than 0.003 on photographs.
    case .f16: 0.05
    // Three bits less of every weight.
    case .bf16: 0.4
    // Half of it, that which is aimed at, is what the most sensitive network that was tried has: MobileNet 0.25,
    // whose probabilities move by 0.04 at most on photographs, a third of what bfloat16 does to them.
    case .int8: 0.6
    case .int4: 1
    }
  }

  /// How far the recorded outputs of a network that is not computed in 32 bits may be from ours, of the largest
  /// value: about twice the most that was measured of 20 networks of up to 18 layers
  /// (`Fixtures/precisions/make_precisions.py --measure`).
  static func outputs(computedIn precision: SourcePrecision) -> Double {
    switch precision {
    case .float16: 0.015
    case .bfloat16: 0.08
    case .int8: 0.05
    }
  }

  /// How many times as far from the truth as another framework's own 32-bit results ours may be: sums in
  /// another order differ by so much in either direction, and a mistake by far more.
  static let timesOtherFrameworks = 4.0

  // MARK: Batch-norm statistics, layer by layer

  // z, v and r are those of `BatchNormTestimony`.

  /// The most by which the first layer may deviate before the images count as unlike the training data.
  /// Photographs of unknown subjects vary more in contrast, which v measures, than synthetic pictures do.
  static func firstLayer(_ images: BatchNormTestimony.Images) -> (z: Double, v: Double) {
    switch images {
    case .synthetic: (0.45, 0.25)
    case .photographs: (0.45, 0.5)
    }
  }

  /// The same where the question is only which preprocessing the weights were trained with: two that differ in
  /// scale differ by at least a factor of two, which is 1.4 in v.
  static let preprocessing = (z: 0.45, v: 0.6)

  /// How many layers have to agree before they testify for a preprocessing: one or two can agree with one of several
  /// modes by chance, above all where nobody trained them.
  static let preprocessingLayers = 4

  /// The first layers decide whether the images are like the training data: there, no drift has added up yet.
  static let firstLayers = (count: 3, z: 0.5, v: 0.6)

  /// Beyond it, no further picture brings the first layer back, and the others need not be run.
  static let hopeless = (z: 1.5, v: 1.5)

  /// What a sound layer may deviate by, or by this many times the worst layer so far: drift grows with depth,
  /// because no substitute for the training data is perfect. For v this is the wide margin, since the last
  /// layers see maps of few pixels.
  static let jump = (z: 0.65, timesZ: 2.0, v: 1.3, timesV: 2.5)

  /// The narrow margin of v, for layers whose channels have lost their order: drift keeps it, a foreign
  /// tensor does not.
  static let narrowJump = (v: 0.6, timesV: 1.6)

  /// The wide margin of z, for layers whose channels have kept their order in means and variances: weights that learned
  /// while statistics stayed move all means, and a foreign kernel leaves no order in them.
  static let wideJump = (z: 1.5, timesZ: 3.0)

  /// The least r and m of a layer whose channels have kept their order.
  static let order = (r: 0.5, m: 0.8)

  /// The most that may have drifted without a jump: statistics that are farther off say nothing about
  /// weights.
  static let drift = (z: 1.0, v: 1.5)

  // MARK: Batch-norm statistics, layers exchanged

  /// Under so few channels anything fits anything.
  static let fewestChannels = 8

  /// The least gain of each of two layers: the logarithm of how many times smaller the deviation is with the
  /// other layer's tensor. It may be a loss of a fifth: a faulty layer before another one blurs what is seen
  /// there. On images unlike the training data, both layers have to gain as much: layers that read one sum,
  /// as in residual networks, are alike, and where nothing fits, the tensors of one may suit both better.
  static func gainOfEach(imagesFit: Bool) -> Double { imagesFit ? -0.2 : 0.2 }

  /// The least gain of both layers together: a factor e, and more where little is summed, because what is
  /// summed or counted over few channels scatters.
  static func gainOfBoth(channels: Int) -> Double { max(1, 8 / Double(channels).squareRoot()) }

  /// The most by which the second layer's means may deviate at the first layer, in standard deviations: on
  /// images unlike the training data, one misfit is often much smaller than another. (At the second layer
  /// they may deviate more, because the first layer's fault has changed what reaches it.)
  static let exchangedMeans = 0.5

  /// How well another layer's variances have to correlate: layers that merely resemble each other stay below.
  static let exchangedVariances = 0.6

  /// The probability with which chance may make up an exchange in a sound network, all pairs of its layers together.
  static let falseExchanges = 0.0001

  /// The least standard deviation that chance is held to have, of a sum of two logarithms: layers whose channels
  /// are all alike fit in any order.
  static let leastChance = 0.05

  /// By how many standard deviations of chance they have to fit better, together and for each layer, and
  /// by how many at all. Fisher's transform of a correlation over n channels has the standard deviation
  /// 1 / sqrt(n - 3), a difference of two 1.4 times that, a sum of two such differences twice that. Four are
  /// enough for the thousands of pairs that a network has. On images like those of training, fitting better than
  /// nine of ten shuffles is enough, since there a layer's own tensors should fit.
  static let beyondChance = (together: 4.0, each: 1.5, atAll: 2.5, onImagesOfTraining: 1.28)
}
