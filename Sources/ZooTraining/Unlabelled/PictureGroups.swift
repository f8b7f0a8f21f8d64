import ZooLearning
import ZooSystem

/// Pictures without labels sorted into groups of similar ones.
///
/// Features at length 1 are reduced to their principal components, and k-means finds the groups. The same pictures
/// give the same groups, whatever the number of threads.
public struct PictureGroups: Sendable {
  /// How many groups there are to be.
  public enum Number: Sendable, Hashable {
    /// The number whose groups are best apart, by their silhouette.
    case automatic
    /// This many.
    case exactly(Int)
  }

  /// A group.
  public struct Group: Sendable, Encodable {
    /// The paths of its pictures, the most typical first: the closest to the group's mean.
    public let pictures: [String]
    /// The folder that most of its pictures are from, where pictures lie in several folders.
    public let folder: String?
    /// The share of its pictures that are from ``folder``.
    public let share: Double?
    /// The places of its pictures, in the order of ``pictures``.
    package let places: [Int]

    enum CodingKeys: String, CodingKey { case pictures, folder, share }
  }

  /// How well a number of groups does.
  public struct Trial: Sendable, Encodable {
    /// The number.
    public let groups: Int
    /// From −1 to 1: how much closer pictures are to their own group than to the next.
    public let silhouette: Double
  }

  /// The groups, the largest first.
  public let groups: [Group]
  /// The numbers of groups that were tried, in ascending order; the one that was asked for alone where it was.
  public let trials: [Trial]
  /// The share of the features' variance that the principal components have.
  public let explained: Double
  /// The folders' names where pictures lie in several: the part of each path behind what all have in common.
  public let folders: [String]
  /// How far groups and folders agree, where there are several folders: the adjusted Rand index, 1 for the same
  /// sorting and about 0 for chance.
  public let agreement: Double?
  /// All pictures in the order of the features.
  public let paths: [String]
  /// Where each picture lies on a map: its coordinates along the first two principal components.
  package let map: [(x: Double, y: Double)]
  /// The number of each picture's group.
  package let assignment: [Int]
  /// The place of each picture's folder in ``folders``.
  package let folderOf: [Int]

  /// The principal components that distances are measured with.
  private static let componentCount = 32
  /// The most groups that are tried, starts for each, and pictures whose silhouettes are measured.
  private static let groupLimit = 30
  private static let trialStarts = 4
  private static let silhouettePictures = 2000

  /// Sorts pictures into groups.
  ///
  /// - Parameters:
  ///   - features: of the pictures.
  ///   - number: how many groups.
  ///   - seed: another seed starts from other pictures.
  ///   - threads: how many threads compute.
  ///   - progress: is told which number is tried, and how many will be.
  /// - Throws: `ZooError` with the code `ZooError.Code.unsuitable` where there are too few different pictures;
  ///   `ZooError.Code.cancelled`.
  public init(
    _ features: PictureFeatures, number: Number = .automatic, seed: UInt64 = 0, threads: Int = 1,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    let count = features.paths.count
    func unsuitable(_ why: String) -> ZooError {
      ZooError(.unsuitable, what: "no groups", at: "the pictures", why)
    }
    switch number {
    case .automatic where count < 3: throw unsuitable("\(count) can't be sorted; 3 can")
    case .exactly(let groups) where groups < 1 || groups > count:
      throw unsuitable("\(count) make no \(groups) groups")
    default: break
    }
    let rows = features.unitRows
    let components =
      count > 1 ? try PrincipalComponents(rows, count: Self.componentCount, threads: threads) : nil
    guard let components, components.count > 0 else {
      throw unsuitable("the model sees no difference between them")
    }
    let coordinates = try components.coordinates(rows, threads: threads)
    let table = FeatureMatrix(rows: count, columns: components.count, values: coordinates.map(Float.init))
    var trials: [Trial] = []
    let chosen: Int
    switch number {
    case .exactly(let groups): chosen = groups
    case .automatic:
      let most = min(Self.groupLimit, max(2, count / 3))
      for groups in 2...most {
        progress(groups - 2, most - 1)
        let found = try KMeans(
          table, clusters: groups, starts: Self.trialStarts, seed: seed, threads: threads)
        trials.append(
          Trial(groups: groups, silhouette: try Self.silhouette(table, found.assignment, threads: threads)))
      }
      chosen = trials.max { ($0.silhouette, -$0.groups) < ($1.silhouette, -$1.groups) }?.groups ?? 2
    }
    let clusters = try KMeans(table, clusters: chosen, seed: seed, threads: threads)
    if trials.isEmpty, Set(clusters.assignment).count > 1 {
      trials = [
        Trial(
          groups: chosen, silhouette: try Self.silhouette(table, clusters.assignment, threads: threads))
      ]
    }
    let (folders, folderOf) = Self.folders(of: features.paths)
    let members = Self.members(clusters, table)
    groups = members.map { places in
      let counts = places.reduce(into: [Int: Int]()) { $0[folderOf[$1], default: 0] += 1 }
      let main = counts.max { ($0.value, -$0.key) < ($1.value, -$1.key) }
      return Group(
        pictures: places.map { features.paths[$0] },
        folder: folders.count > 1 ? main.map { folders[$0.key] } : nil,
        share: folders.count > 1 ? main.map { Double($0.value) / Double(places.count) } : nil, places: places)
    }
    var assignment = [Int](repeating: 0, count: count)
    for (group, places) in members.enumerated() { for place in places { assignment[place] = group } }
    self.assignment = assignment
    self.trials = trials
    self.folders = folders.count > 1 ? folders : []
    self.folderOf = folderOf
    agreement = folders.count > 1 ? Self.adjustedRand(assignment, folderOf) : nil
    explained =
      components.totalVariance > 0 ? components.variances.reduce(0, +) / components.totalVariance : 0
    paths = features.paths
    let columns = components.count
    map = (0..<count).map { (coordinates[$0 * columns], columns > 1 ? coordinates[$0 * columns + 1] : 0) }
  }

  /// The pictures of each group, the largest group first and in each the closest to its centre.
  private static func members(_ clusters: KMeans, _ table: FeatureMatrix) -> [[Int]] {
    var members = [[(place: Int, distance: Double)]](repeating: [], count: clusters.clusters)
    for (place, cluster) in clusters.assignment.enumerated() {
      let center = clusters.centers[cluster * table.columns..<(cluster + 1) * table.columns]
      let distance = zip(table[row: place], center).reduce(0) {
        let difference = Double($1.0) - $1.1
        return $0 + difference * difference
      }
      members[cluster].append((place, distance))
    }
    return members.filter { !$0.isEmpty }
      .sorted { (-$0.count, $0[0].place) < (-$1.count, $1[0].place) }
      .map { group in group.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }.map(\.place) }
  }

  /// The silhouette of all pictures, or of many that are evenly spread.
  private static func silhouette(
    _ table: FeatureMatrix, _ assignment: [Int], threads: Int
  ) throws(ZooError) -> Double {
    let step = (table.rows + silhouettePictures - 1) / silhouettePictures
    let places = Array(stride(from: 0, to: table.rows, by: step))
    let own = places.map { assignment[$0] }
    guard Set(own).count > 1 else { return 0 }
    return try KMeans.silhouette(table.selecting(rows: places), assignment: own, threads: threads)
  }

  /// The folder right behind what all paths have in common, for each path.
  private static func folders(of paths: [String]) -> (names: [String], places: [Int]) {
    let parts = paths.map { $0.split(separator: "/").dropLast() }
    guard var common = parts.first else { return ([], []) }
    for own in parts {
      common = common.prefix(zip(common, own).prefix { $0 == $1 }.count)
    }
    let own = parts.map { $0.dropFirst(common.count).first.map(String.init) ?? "." }
    let names = Set(own).sorted()
    let places = Dictionary(uniqueKeysWithValues: zip(names, 0...))
    return (names, own.map { places[$0] ?? 0 })
  }

  /// How far two sortings agree beyond chance (Hubert and Arabie).
  package static func adjustedRand(_ a: [Int], _ b: [Int]) -> Double {
    func pairs(_ count: Int) -> Double { Double(count) * Double(count - 1) / 2 }
    var cells: [[Int]: Int] = [:]
    var (first, second) = ([Int: Int](), [Int: Int]())
    for (a, b) in zip(a, b) {
      cells[[a, b], default: 0] += 1
      first[a, default: 0] += 1
      second[b, default: 0] += 1
    }
    let both = cells.values.reduce(0) { $0 + pairs($1) }
    let (ofFirst, ofSecond) = (
      first.values.reduce(0) { $0 + pairs($1) }, second.values.reduce(0) { $0 + pairs($1) }
    )
    let all = pairs(min(a.count, b.count))
    guard all > 0 else { return 1 }
    let expected = ofFirst * ofSecond / all
    let largest = (ofFirst + ofSecond) / 2
    return largest == expected ? 1 : (both - expected) / (largest - expected)
  }
}
