/// How a depthwise convolution and the product after it are divided into blocks of pixels, each of which goes through
/// both. The depthwise convolution computes whole rows, so that a row which two blocks share is computed twice.
struct SeparableDivision {
  /// Of what lies between the convolutions.
  let height: Int
  let width: Int
  let channels: Int
  /// Positions of the depthwise convolution's window.
  let taps: Int
  /// The filters of the product.
  let columns: Int
  /// Rows of the product's register block.
  let mr: Int
  let threads: Int

  /// The time of a multiplication of a depthwise convolution in multiplications of a product.
  static let perDepthwiseProduct = 3

  /// Pixels of a block, at most `limit`: whole rows or even parts of all pixels, whichever takes less.
  func block(limit: Int) -> Int {
    let even = WorkDivision.blockLength(height * width, limit: limit, shares: threads)
    let ofRows = (1...height).lazy.map { $0 * width }.prefix { $0 <= limit }
    return ofRows.reduce(even) { best, block in cost(block: block) < cost(block: best) ? block : best }
  }

  /// What the thread with most to do takes, in multiplications of a product.
  private func cost(block: Int) -> Int {
    let pixels = height * width
    let units = (pixels + block - 1) / block
    let unitCosts = (0..<units).map { unit in
      cost(pixels: unit * block..<min((unit + 1) * block, pixels))
    }
    let shares = (0..<threads).map { thread in
      unitCosts[units * thread / threads..<units * (thread + 1) / threads].reduce(0, +)
    }
    // Threads are not equally fast at every moment. One that is done takes over what others have not come to, and
    // waits for what they have.
    let wait = threads > 1 ? unitCosts[0] / 4 : 0
    return (shares.max() ?? 0) + wait
  }

  private func cost(pixels: Range<Int>) -> Int {
    let rows = (pixels.upperBound - 1) / width + 1 - pixels.lowerBound / width
    let depthwise = rows * width * channels * taps * Self.perDepthwiseProduct
    // While few rows go by the weights, the product waits for those.
    let productRows = max((pixels.count + mr - 1) / mr * mr, 4 * CostModel.perWeightByte)
    return depthwise + productRows * channels * columns
  }
}
