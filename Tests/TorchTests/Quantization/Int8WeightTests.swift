import Testing

@testable import Torch

@Suite struct Int8WeightTests {
    @Test func quantizedRowsAreWithinHalfAStepOfTheWeights() throws {
        let weight = try Tensor.normal([24, 40], standardDeviation: 2, seed: 1)
        let int8 = try Int8Weight(quantizing: weight)
        #expect(int8.values.shape == [24, 40] && int8.values.dtype == .int8)
        #expect(int8.scales.shape == [24, 1])
        let scales: [Float] = try int8.scales.array()
        let (before, after): ([Float], [Float]) = (try weight.array(), try int8.dequantized().array())
        for place in before.indices {
            #expect(abs(before[place] - after[place]) <= scales[place / 40] * 0.5001)
        }
        // Each row uses its whole range: its largest element is exact.
        let values: [Int8] = try int8.values.array()
        for row in 0..<24 {
            let part = values[row * 40..<(row + 1) * 40]
            #expect(part.map { abs(Int($0)) }.max() == 127)
        }
    }

    @Test func aRowOfZerosStaysZero() throws {
        let weight = try Tensor([0, 0, 0, 0, 1, -2] as [Float], shape: [3, 2])
        let int8 = try Int8Weight(quantizing: weight)
        #expect(try int8.dequantized().array(of: Float.self)[..<4].allSatisfy { $0 == 0 })
        #expect(try int8.scales.array(of: Float.self).allSatisfy { $0 > 0 })
    }

    @Test(arguments: [[Float.nan, 1], [.infinity, 1]])
    func weightsThatAreNotFiniteAreRefused(row: [Float]) throws {
        let weight = try Tensor(row, shape: [1, 2])
        #expect(throws: TorchError.self) { try Int8Weight(quantizing: weight) }
    }

    @Test func scalesThatDoNotFitAreRefused() throws {
        let values = try Tensor([1, 2, 3, 4] as [Int8], shape: [2, 2])
        #expect(throws: TorchError.self) {
            try Int8Weight(values: values, scales: Tensor([1] as [Float], shape: [1, 1]))
        }
        #expect(throws: TorchError.self) {
            try Int8Weight(values: values.to(.float32), scales: Tensor([1, 1] as [Float], shape: [2, 1]))
        }
    }

    /// The product is that of the rounded numbers, exactly but for the last scaling.
    @Test(arguments: [1, 7, 64], [ActivationQuantization.perToken, .perTensor])
    func productsAreThoseOfTheRoundedNumbers(rows: Int, input: ActivationQuantization) throws {
        let x = try Tensor.normal([rows, 48], standardDeviation: 3, seed: 5)
        let weight = try Tensor.normal([20, 48], standardDeviation: 0.1, seed: 6)
        let bias = try Tensor.normal([20], standardDeviation: 1, seed: 7)
        let int8 = try Int8Weight(quantizing: weight)
        let rounded = try x.fakeQuantized(
            byRow: input == .perToken, levels: Int8Weight.hasKernels ? Int8Weight.activationLevels : 127)
        let expected = try rounded.linear(int8.dequantized(), bias: bias)
        let actual = try int8.linear(x, bias: bias, input: input)
        #expect(actual.shape == [rows, 20])
        #expect(try (actual - expected).absolute().max().item() < 2e-4)
    }

    @Test func aFixedScaleRoundsAndClamps() throws {
        // Far outside of −128 … 127 steps at 0.1 with the zero at −100: from −2.8 to 22.7.
        let x = try Tensor([-50, -2.8, 0, 0.2, 10, 22.6, 400] as [Float], shape: [7, 1])
        let int8 = try Int8Weight(
            values: Tensor([127] as [Int8], shape: [1, 1]),
            scales: Tensor([1 / 127] as [Float], shape: [1, 1]))
        let result: [Float] = try int8.linear(
            x, bias: nil, input: .fixed(scale: 0.1, zeroPoint: -100)
        ).array()
        // With 7 bits every second step is left out.
        let step: Float = Int8Weight.hasKernels && Int8Weight.activationLevels == 63 ? 0.2 : 0.1
        let wanted: [Float] = [-2.8, -2.8, 0, 0.2, 10, 22.6, 22.7]
        for (actual, expected) in zip(result, wanted) { #expect(abs(actual - expected) <= step * 0.501) }
        #expect(result[2] == 0)
    }

    @Test func leadingDimensionsAreKept() throws {
        let int8 = try Int8Weight(quantizing: Tensor.normal([5, 16], seed: 1))
        let x = try Tensor.normal([2, 3, 16], seed: 2)
        #expect(try int8.linear(x, bias: nil, input: .perToken).shape == [2, 3, 5])
        #expect(throws: TorchError.self) {
            try int8.linear(Tensor.normal([2, 15], seed: 1), bias: nil, input: .perToken)
        }
    }

    @Test func rowsOfATableAreWidened() throws {
        let table = try Int8Weight(quantizing: Tensor.normal([9, 6], seed: 3))
        let indices = try Tensor([3, 3, 8, 0] as [Int32], shape: [2, 2])
        let all: [Float] = try table.dequantized().array()
        let rows: [Float] = try table.embedding(indices).array()
        let wanted = [3, 3, 8, 0].flatMap { (row: Int) -> [Float] in Array(all[row * 6..<row * 6 + 6]) }
        #expect(rows == wanted)
        #expect(throws: TorchError.self) { try table.embedding(Tensor([9] as [Int32])) }
    }
}

@Suite struct FakeQuantizationTests {
    @Test func gradientsPassAsIfNothingWereRounded() throws {
        let x = try Tensor.normal([4, 8], seed: 1)
        try x.setRequiresGrad(true)
        let instrument = FakeQuantization(ignoring: ["kept"])
        let rounded = try instrument.input(x, of: "layer")
        #expect(try (rounded - x).absolute().max().item() > 0)
        #expect(
            try (rounded.detached() - x.detached().fakeQuantized(byRow: true)).absolute().max().item() < 1e-6)
        try (rounded * 3).sum().backward()
        #expect(try x.gradient?.array(of: Float.self).allSatisfy { $0 == 3 } == true)
        #expect(try instrument.input(x, of: "kept") === x)
    }
}

@Suite struct HistogramTests {
    @Test func everyElementWithinTheRangeIsCountedOnce() throws {
        let x = try Tensor([-1, -0.5, 0, 0.24, 0.26, 0.99, 1, 5] as [Float])
        #expect(try x.histogram(bins: 4, in: -1...1) == [1, 1, 3, 2])
    }
}
