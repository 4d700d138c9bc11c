import Testing

@testable import Datasets

@Suite("k-fold cross-validation")
struct KFoldTests {
    /// Labels in no order, with classes of very different sizes.
    private static func labels(_ counts: [Int], seed: UInt64 = 3) -> [Int] {
        var generator = SeededGenerator(seed: seed)
        return counts.enumerated().flatMap { label, count in [Int](repeating: label, count: count) }
            .shuffled(seededBy: &generator)
    }

    @Test(
        "folds are disjoint, cover all, and share out every class and the whole evenly",
        arguments: [
            ([50, 30, 20], 3), ([7, 7, 7, 7], 5), ([1, 2, 3, 100], 4), ([10], 10), ([5, 1, 1, 1, 1, 1], 2),
            ([97, 3], 7),
        ])
    func partition(counts: [Int], k: Int) throws {
        let labels = Self.labels(counts)
        let folds = try KFold(labels: labels, k: k, seed: 11, source: "test")
        var held: [UInt32] = []
        var shares = [[Int]](repeating: [], count: counts.count)
        var sizes: [Int] = []
        for fold in 0..<k {
            let (train, validation) = try folds.split(fold: fold)
            #expect((train + validation).sorted() == (0..<labels.count).map(UInt32.init))
            #expect(train == train.sorted() && validation == validation.sorted())
            #expect(!train.isEmpty && !validation.isEmpty)
            held += validation
            sizes.append(validation.count)
            for label in counts.indices {
                shares[label].append(validation.count { labels[Int($0)] == label })
            }
        }
        #expect(held.sorted() == (0..<labels.count).map(UInt32.init))
        for share in shares + [sizes] {
            #expect((share.max() ?? 0) - (share.min() ?? 0) <= 1, "\(share)")
        }
        #expect(folds.sparseClasses == counts.indices.filter { counts[$0] < k })
    }

    @Test("the folds depend on the seed alone")
    func determinism() throws {
        let labels = Self.labels([40, 25, 10])
        let folds = try KFold(labels: labels, k: 4, seed: 1, source: "test")
        #expect(try KFold(labels: labels, k: 4, seed: 1, source: "other") == folds)
        #expect(try KFold(labels: labels, k: 4, seed: 2, source: "test") != folds)
    }

    @Test("examples without classes are cut evenly, and not in their order")
    func plain() throws {
        let folds = try KFold(count: 103, k: 10, seed: 5, source: "test")
        let sizes = (0..<10).map { fold in folds.assignments.count { Int($0) == fold } }
        #expect(sizes.sorted() == [10, 10, 10, 10, 10, 10, 10, 11, 11, 11])
        #expect(folds.assignments != (0..<103).map { UInt32($0 % 10) })
        let unlabeled = [Int](repeating: -1, count: 103)
        #expect(try KFold(labels: unlabeled, k: 10, seed: 5, source: "test") == folds)
    }

    @Test("too few and too many folds are refused, and so is a fold that is not there")
    func refusals() throws {
        for k in [-1, 0, 1] {
            #expect(throws: DatasetError("a.csv: folds must be at least 2, got \(k)")) {
                try KFold(count: 10, k: k, seed: 1, source: "a.csv")
            }
        }
        #expect(
            throws: DatasetError("a.csv: 4 examples cannot be cut into 5 folds; ask for fewer folds")
        ) { try KFold(count: 4, k: 5, seed: 1, source: "a.csv") }
        let folds = try KFold(count: 4, k: 4, seed: 1, source: "a.csv")
        #expect(throws: DatasetError.self) { try folds.split(fold: 4) }
        #expect(throws: DatasetError.self) { try folds.split(fold: -1) }
    }
}
