import Datasets
import Foundation
import Testing
import Torch
import Transformers

@testable import Distillation

@Suite("Labels of data sets and batches")
struct TargetsTests {
    private func dataset(_ targets: Targets, firstToken: Int32 = 10, maxLength: Int = 8) -> EncodedDataset {
        let count = targets.count
        return EncodedDataset(
            inputIDs: (0..<Int32(2 * count)).map { firstToken + $0 },
            tokenTypeIDs: [Int32](repeating: 0, count: 2 * count), offsets: (0...count).map { 2 * $0 },
            targets: targets, maxLength: maxLength)
    }

    private let all: [Targets] = [
        .classes([2, -100, 0, 2], count: 3), .sets([[0, 2], [], nil, [0, 2]], count: 3),
        .values([1.5, .nan, -0.0, 1e-30]),
    ]

    /// NaN is not equal to itself.
    private func isSame(_ a: Targets, _ b: Targets) -> Bool {
        guard case .values(let left) = a, case .values(let right) = b else { return a == b }
        return zip(left, right).allSatisfy { $0.bitPattern == $1.bitPattern || ($0.isNaN && $1.isNaN) }
            && left.count == right.count
    }

    @Test("what goes in comes out, of every type")
    func roundTrip() {
        for targets in all {
            let data = dataset(targets)
            #expect(isSame(data.targets, targets) && data.problemType == targets.task)
            #expect(data.labeledCount == 3)
            #expect((0..<4).map(data.isLabeled) == (0..<4).map(targets.isLabeled))
            let part = data.subset([3, 1])
            #expect(isSame(part.targets, targets.subset([3, 1])))
        }
        #expect(dataset(all[0]).labels == [2, -100, 0, 2] && dataset(all[0]).classCounts == [1, 0, 2])
        #expect(dataset(all[1]).classCounts == [2, 0, 2] && dataset(all[2]).classCounts == [])
        #expect(dataset(all[1]).labels == [-100, -100, -100, -100] && dataset(all[1]).labelSet(of: 1) == [])
        #expect(dataset(all[0]).labelSet(of: 0) == nil && dataset(all[0]).value(of: 0).isNaN)
    }

    @Test("equal sets are kept once, and codes out of range are not believed")
    func codes() {
        let labels = ExampleLabels(all[1])
        #expect(labels.sets == [[0, 2], []] && labels.codes == [0, 1, -100, 0])
        #expect(ExampleLabels(.multiLabel, classCount: 3, codes: labels.codes, sets: labels.sets) != nil)
        #expect(ExampleLabels(.multiLabel, classCount: 3, codes: [2], sets: labels.sets) == nil)
        #expect(ExampleLabels(.multiLabel, classCount: 2, codes: [0], sets: labels.sets) == nil)
        #expect(ExampleLabels(.singleLabel, classCount: 2, codes: [1, -100], sets: []) != nil)
        #expect(ExampleLabels(.singleLabel, classCount: 2, codes: [2], sets: []) == nil)
        #expect(ExampleLabels(.singleLabel, classCount: 2, codes: [-1], sets: []) == nil)
        // The code of no label is a NaN, as no finite number is.
        #expect(Float(bitPattern: UInt32(bitPattern: ExampleLabels.unlabelled)).isNaN)
    }

    @Test("a batch makes tensors of its labels")
    func batches() throws {
        let classes = try Batch(dataset(all[0]), indices: [1, 0]).batchLabels()
        #expect(try classes.targets.array(of: Int64.self) == [-100, 2])
        #expect(try classes.mask.array(of: Float.self) == [0, 1] && classes.labeledCount == 1)
        let sets = try Batch(dataset(all[1]), indices: [0, 1, 2]).batchLabels()
        #expect(sets.targets.shape == [3, 3])
        #expect(try sets.targets.array(of: Float.self) == [1, 0, 1, 0, 0, 0, 0, 0, 0])
        #expect(try sets.mask.array(of: Float.self) == [1, 1, 0] && sets.labeledCount == 2)
        let values = try Batch(dataset(all[2]), indices: [1, 0]).batchLabels()
        #expect(try values.targets.array(of: Float.self) == [0, 1.5] && values.targets.shape == [2, 1])
        #expect(try values.mask.array(of: Float.self) == [0, 1] && values.problemType == .regression)
        #expect(try Batch(dataset(all[1]), indices: [0]).labels == [-100])
    }

    @Test("data sets are joined behind one another; places, tokens and labels stay")
    func joined() throws {
        let none = [Int](repeating: BatchLabels.unlabelled, count: 3)
        for targets in all {
            let first = dataset(targets).subset([3, 0, 1])
            let texts = dataset(.classes(none, count: 0), firstToken: 300, maxLength: 2)
            let joined = try first.joined(with: [texts, texts.subset([2])])
            #expect(joined.count == 7 && joined.labeledCount == first.labeledCount)
            #expect(
                isSame(joined.targets(of: 0..<3), first.targets) && joined.problemType == first.problemType)
            for index in 0..<3 {
                #expect(try joined.example(index) == first.example(index))
                #expect(try joined.example(3 + index) == texts.example(index))
                #expect(!joined.isLabeled(3 + index))
            }
            #expect(try joined.example(6) == texts.example(2))
            #expect(
                joined.lengths == [Int32](repeating: 2, count: 7) && joined.classCounts == first.classCounts)
            #expect(try joined.subset([5, 0]).example(0) == texts.example(2))
            #expect(joined.truncatedCount == 0)
        }
        #expect(throws: DistillationError.self) { try dataset(all[0]).joined(with: [dataset(all[1])]) }
        #expect(try dataset(all[0]).joined(with: []).count == 4)
    }

    @Test("validation examples have labels, whatever their type")
    func split() throws {
        let sets: [[Int]?] = (0..<100).map { $0 % 4 == 0 ? nil : [$0 % 3] }
        let values: [Float] = (0..<100).map { $0 % 4 == 0 ? .nan : Float($0) }
        let classes = (0..<100).map { $0 % 4 == 0 ? -100 : $0 % 3 }
        for targets in [Targets.sets(sets, count: 3), .values(values), .classes(classes, count: 3)] {
            let data = dataset(targets)
            let (train, validation) = try data.split(validationFraction: 0.2, seed: 5, source: "d")
            #expect(validation.count == 15 && validation.labeledCount == 15)
            #expect(train.count == 85 && train.labeledCount == 60)
            let again = try data.split(validationFraction: 0.2, seed: 5, source: "d")
            #expect(isSame(again.validation.targets, validation.targets))
            let other = try data.split(validationFraction: 0.2, seed: 6, source: "d")
            #expect(!isSame(other.validation.targets, validation.targets))
            guard case .classes = targets else { continue }
            #expect(validation.classCounts == [5, 5, 5])
        }
    }
}
