import Testing

@testable import Datasets

@Suite("Splits, shuffling and batches")
struct OrderTests {
    private func dataset(_ counts: [Int]) throws -> TextDataset {
        let examples = counts.enumerated().flatMap { label, count in
            (0..<count).map { TextExample("text \(label) \($0)", label: label) }
        }
        return TextDataset(
            examples: examples, labels: try LabelMap(names: counts.indices.map { "c\($0)" }), source: "test",
            sha256: "")
    }

    @Test("a split holds back its share of every class, and each example is in one part")
    func split() throws {
        let whole = try dataset([500, 80, 20])
        let (train, validation) = try whole.split(validationFraction: 0.1, seed: 42)
        #expect((0..<3).map { label in validation.examples.count { $0.label == label } } == [50, 8, 2])
        let texts = (train.examples + validation.examples).map(\.text)
        #expect(texts.count == 600 && Set(texts).count == 600)
        let again = try whole.split(validationFraction: 0.1, seed: 42)
        #expect(again.validation.examples == validation.examples && again.train.examples == train.examples)
        #expect(try whole.split(validationFraction: 0.1, seed: 43).validation.examples != validation.examples)
    }

    @Test("a split that would leave a part empty is refused")
    func smallSplit() throws {
        #expect(throws: DatasetError.self) { try dataset([2, 2]).split(validationFraction: 0.1, seed: 1) }
    }

    @Test("every example is in one batch of an epoch, whatever the sizes", arguments: [true, false])
    func coverage(grouped: Bool) {
        for (count, size) in [(1, 4), (4, 4), (9, 4), (1000, 7), (7000, 32), (0, 3)] {
            let lengths = (0..<count).map { ($0 * 7919) % 50 + 1 }
            let batches = LengthGroupedSampler.batches(
                lengths: lengths, batchSize: size, seed: 5, epoch: 1, grouped: grouped)
            #expect(batches.flatMap(\.self).sorted() == Array(0..<count))
            #expect(batches.count == (count + size - 1) / size)
            #expect(batches.allSatisfy { $0.count <= size })
        }
    }

    @Test("the order depends on seed and epoch alone")
    func determinism() {
        let lengths = (0..<500).map { $0 % 40 + 3 }
        func order(_ seed: UInt64, _ epoch: Int) -> EpochBatches {
            LengthGroupedSampler.batches(lengths: lengths, batchSize: 16, seed: seed, epoch: epoch)
        }
        #expect(order(1, 0) == order(1, 0))
        #expect(order(1, 0) != order(1, 1) && order(1, 0) != order(2, 0) && order(1, 1) != order(2, 0))
    }

    @Test("grouping by length saves padding")
    func padding() {
        let lengths = (0..<3200).map { ($0 &* 2_654_435_761) % 97 + 4 }
        func padded(_ grouped: Bool) -> Int {
            LengthGroupedSampler.batches(lengths: lengths, batchSize: 32, seed: 1, epoch: 0, grouped: grouped)
                .reduce(0) { $0 + $1.count * ($1.map { lengths[$0] }.max() ?? 0) }
        }
        let needed = lengths.reduce(0, +)
        #expect(padded(true) < needed * 11 / 10 && padded(false) > needed * 3 / 2)
    }

    @Test("the generator is SplitMix64, by its published values")
    func generator() {
        var generator = SeededGenerator(seed: 1_234_567)
        // The first numbers for this seed, as Vigna's reference program prints them.
        let published: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(published.map { _ in generator.next() } == published)
    }

    @Test("a shuffle makes every order equally likely")
    func uniform() {
        var generator = SeededGenerator(seed: 9)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<24_000 { counts[[0, 1, 2, 3].shuffled(seededBy: &generator), default: 0] += 1 }
        #expect(counts.count == 24)
        let chiSquared = counts.values.reduce(0.0) { $0 + (Double($1) - 1000) * (Double($1) - 1000) / 1000 }
        #expect(chiSquared < 50)  // 23 degrees of freedom: 49.7 is exceeded once in a thousand
    }
}
