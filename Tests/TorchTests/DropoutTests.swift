import Testing
import Torch

extension Engine {
    @Suite("Dropout")
    struct DropoutTests {
        private func dropped(
            _ count: Int, _ probability: Double, seed: UInt64 = 0, offset: UInt64 = 0
        ) throws -> [Float] {
            try Tensor.ones([count]).dropout(probability: probability, seed: seed, offset: offset)
                .array(of: Float.self)
        }

        @Test("the reference generator gives the published known answers")
        func knownAnswers() {
            // From Random123's kat_vectors: philox4x32 10.
            let vectors: [(counter: [UInt32], key: [UInt32], answer: [UInt32])] = [
                ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
                (
                    [.max, .max, .max, .max], [.max, .max],
                    [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
                ),
                (
                    [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
                    [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
                ),
            ]
            for vector in vectors {
                #expect(Philox.block(counter: vector.counter, key: vector.key) == vector.answer)
            }
        }

        @Test("the first block of seed 0, offset 0 is the known answer, to the last bit")
        func firstBlock() throws {
            let words: [UInt32] = [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
            for (word, value) in words.enumerated() {
                for half in 0..<2 {
                    let draw = Int(value >> UInt32(16 * half)) & 0xffff
                    // Lane 0 of the group. It is kept while the threshold is at most its draw.
                    let element = word * 32 + half * 16
                    #expect(try dropped(128, Double(draw) / 65536)[element] > 0)
                    #expect(try dropped(128, Double(draw + 1) / 65536)[element] == 0)
                }
            }
        }

        @Test("all that is kept follows the reference generator")
        func pattern() throws {
            let count = 3000  // more than 23 groups of 128, and not whole ones
            let states: [(UInt64, UInt64)] = [
                (0, 0), (42, 7), (0x299f_31d0_a409_3822, 0x0370_7344_1319_8a2e), (.max, .max),
                (1 << 40, 1 << 40),
            ]
            for (seed, offset) in states {
                let draws = Philox.draws(count: count, seed: seed, offset: offset)
                for probability in [0.1, 0.5, 0.9] {
                    let threshold = (probability * 65536).rounded()
                    let scale = Float(65536 / (65536 - threshold))
                    let expected = draws.map { Double($0) >= threshold ? scale : 0 }
                    #expect(try dropped(count, probability, seed: seed, offset: offset) == expected)
                }
            }
        }

        @Test("the share kept and the mean are right", arguments: [0.001, 0.1, 0.3, 0.5, 0.9, 0.99])
        func statistics(_ probability: Double) throws {
            let count = 200_000.0
            let values = try Tensor.ones([200_000]).dropout(probability: probability, seed: 5, offset: 9)
            let kept = try values.greater(0).to(.float64).mean().item()
            let mean = try values.to(.float64).mean().item()
            let keep = 1 - probability
            let error = (keep * probability / count).squareRoot()
            // Probabilities are rounded to 16 bits, which moves the share by at most 2⁻¹⁷.
            #expect(abs(kept - keep) < 5 * error + 0x1p-17)
            #expect(abs(mean - 1) < 5 * error / keep)
        }

        @Test("neighboring elements and neighboring calls are independent")
        func independence() throws {
            let count = 100_000
            let p = 0.5
            let first = try dropped(count, p, seed: 1, offset: 0).map { $0 > 0 }
            let bound = 5 * (0.25 * Double(count)).squareRoot()
            func agreements(_ other: some Sequence<Bool>) -> Double {
                Double(zip(first, other).count { $0 == $1 })
            }
            let next = try dropped(count, p, seed: 1, offset: 1).map { $0 > 0 }
            let otherSeed = try dropped(count, p, seed: 2, offset: 0).map { $0 > 0 }
            #expect(abs(agreements(next) - Double(count) / 2) < bound)
            #expect(abs(agreements(otherSeed) - Double(count) / 2) < bound)
            for distance in [1, 8, 16, 128] {
                let shifted = agreements(first.dropFirst(distance))
                #expect(abs(shifted - Double(count - distance) / 2) < bound, "distance \(distance)")
            }
        }

        @Test("seed and offset decide the result")
        func determinism() throws {
            let x = try Tensor.normal([33, 65], seed: 8)
            func result(_ seed: UInt64, _ offset: UInt64) throws -> [UInt8] {
                try x.dropout(probability: 0.3, seed: seed, offset: offset).bytes()
            }
            let base = try result(3, 4)
            #expect(try result(3, 4) == base)
            #expect(try result(3, 5) != base)
            #expect(try result(4, 4) != base)
            // The upper halves of both count.
            #expect(try result(3 + 1 << 32, 4) != base)
            #expect(try result(3, 4 + 1 << 32) != base)
        }

        @Test("the number of threads changes nothing, bit for bit")
        func threads() async {
            // In a process of its own: the number is for all threads, and other tests run beside this.
            await #expect(processExitsWith: .success) {
                let x = try Tensor.normal([300, 1000], seed: 8)
                var results: [[UInt8]] = []
                var gradients: [[UInt8]?] = []
                for threads in [1, 2, 1] {
                    try Runtime.setThreadCount(threads)
                    #expect(Runtime.threadCount == threads)
                    let leaf = try x.clone()
                    try leaf.setRequiresGrad(true)
                    let y = try leaf.dropout(probability: 0.1, seed: 1, offset: 2)
                    try y.sum().backward()
                    results.append(try y.bytes())
                    gradients.append(try leaf.gradient?.bytes())
                }
                #expect(results[0] == results[1] && results[0] == results[2])
                #expect(gradients[0] != nil && gradients[0] == gradients[1] && gradients[0] == gradients[2])
            }
        }

        @Test("backward uses the mask of forward", arguments: [DType.float32, .float64, .float16, .bfloat16])
        func backward(_ dtype: DType) throws {
            let x = try Tensor.ones([500], dtype: dtype)
            try x.setRequiresGrad(true)
            let y = try x.dropout(probability: 0.25, seed: 6, offset: 1)
            #expect(y.dtype == dtype)
            try y.sum().backward()
            let gradient = try #require(try x.gradient)
            // The input is 1, so the output is the mask times the scale.
            #expect(try gradient.bytes() == y.bytes())
            #expect(try y.min().item() == 0)
            try expectClose([try y.max().item()], [1 / 0.75], relative: dtype.size == 2 ? 0.01 : 1e-6)
        }

        @Test("an element's fate depends on its place in C order, not on strides")
        func strides() throws {
            let x = try Tensor.normal([20, 30], seed: 8)
            let view = try x.transposed()
            let direct = try view.dropout(probability: 0.5, seed: 1, offset: 1)
            let copied = try view.contiguous().dropout(probability: 0.5, seed: 1, offset: 1)
            #expect(direct.shape == [30, 20])
            #expect(try direct.bytes() == copied.bytes())
        }

        @Test("what is dropped is zero, even where it was not finite")
        func notFinite() throws {
            let y = try Tensor.full([1000], .nan).dropout(probability: 0.5, seed: 0, offset: 0)
            let values = try y.array(of: Float.self)
            #expect(values.contains(0))
            #expect(values.allSatisfy { $0 == 0 || $0.isNaN })
        }

        @Test("probability 0 changes nothing")
        func zero() throws {
            let x = try Tensor.normal([100], seed: 8)
            #expect(try x.dropout(probability: 0, seed: 1, offset: 1).bytes() == x.bytes())
        }

        @Test("empty tensors and scalars pass")
        func edges() throws {
            #expect(try Tensor.ones([0, 3]).dropout(probability: 0.5, seed: 0, offset: 0).shape == [0, 3])
            #expect(try Tensor.ones([]).dropout(probability: 0.5, seed: 0, offset: 0).shape == [])
        }

        @Test("probabilities outside 0 ..< 1 are refused", arguments: [1, 1.5, -0.1, .nan, .infinity])
        func refusals(_ probability: Double) throws {
            let x = try Tensor.ones([3])
            expectTorchError("dropout(float32[3])", "0 ..< 1") {
                _ = try x.dropout(probability: probability, seed: 0, offset: 0)
            }
        }

        @Test("the layer's state moves on with each call, and can be saved")
        func state() throws {
            let x = try Tensor.ones([1000])
            let layer = Dropout(0.5)
            let state = DropoutState(seed: 3)
            #expect(try layer(x, nil).bytes() == x.bytes())
            #expect(state.position == .init(seed: 3, offset: 0))
            let first = try layer(x, state).bytes()
            #expect(try first == x.dropout(probability: 0.5, seed: 3, offset: 0).bytes())
            let saved = state.position
            #expect(saved == .init(seed: 3, offset: 1))
            let second = try layer(x, state).bytes()
            #expect(first != second)
            #expect(try layer(x, DropoutState(position: saved)).bytes() == second)
            _ = try Dropout(0)(x, state)
            #expect(state.position.offset == 2)
        }

        @Test("a layer with an impossible probability is refused in training")
        func badLayer() throws {
            let x = try Tensor.ones([3])
            for probability in [-0.5, .nan, 1] {
                #expect(throws: TorchError.self) { try Dropout(probability)(x, DropoutState(seed: 0)) }
            }
        }

        @Test(
            "a part of a tensor has the mask that it has in the whole, forward and backward",
            arguments: [0, 1, 127, 128, 300, 641])
        func parts(_ start: Int) throws {
            let all = try Tensor.normal([1000], seed: 4)
            let whole: [Float] = try all.dropout(probability: 0.4, seed: 9, offset: 3).array()
            for end in [start + 1, start + 200, 1000] where end <= 1000 {
                let part = try all[start..<end].clone()
                try part.setRequiresGrad(true)
                let dropped = try part.dropout(probability: 0.4, seed: 9, offset: 3, first: start)
                #expect(try dropped.array() == Array(whole[start..<end]))
                try dropped.sum().backward()
                let gradient: [Float] = try #require(try part.gradient).array()
                #expect(gradient.map { $0 != 0 } == whole[start..<end].map { $0 != 0 })
            }
        }
    }
}
