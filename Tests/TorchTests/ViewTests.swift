import Testing
import Torch

extension Engine {
    @Suite("Indexing and views")
    struct ViewTests {
        /// 0 ..< 24 as (2, 3, 4)
        private func counting() throws -> Tensor { try Tensor.arange(24).reshaped([2, 3, 4]) }

        @Test("parts of a tensor")
        func parts() throws {
            let x = try counting()
            #expect(try x[1].shape == [3, 4])
            #expect(try x[1][2][3].item() == 23)
            #expect(try x[-1][-1][-1].item() == 23)
            #expect(try x[0..<1].shape == [1, 3, 4])
            #expect(try x[1..<1].count == 0)
            #expect(try x.selected(dimension: -1, index: -2).array(of: Int.self) == [2, 6, 10, 14, 18, 22])
            #expect(try x.narrowed(dimension: 2, start: 1, length: 2)[0][0].array(of: Int.self) == [1, 2])
            #expect(try x.sliced(dimension: -1, 0..<4, step: 3)[1][0].array(of: Int.self) == [12, 15])
            // As in Python, a slice stops at the end.
            #expect(try x.sliced(dimension: 1, 1..<100).shape == [2, 2, 4])
        }

        @Test("shape, size, rank and count")
        func description() throws {
            let x = try counting()
            #expect(x.shape == [2, 3, 4] && x.rank == 3 && x.count == 24)
            #expect(try (0..<3).map { try x.size($0) } == [2, 3, 4])
            #expect(try (-3..<0).map { try x.size($0) } == [2, 3, 4])
            expectTorchError("dimension 3", "[2, 3, 4]", kind: .index) { _ = try x.size(3) }
            expectTorchError("dimension -4", "[2, 3, 4]", kind: .index) { _ = try x.size(-4) }
        }

        @Test("a view shares its elements, a clone does not")
        func sharing() throws {
            let x = try counting()
            let views = [
                try x.transposed(), try x.reshaped([24]), try x[1], try x.unsqueezed(0), try x.detached(),
                try x.to(.int64), try x.contiguous(), try x.permuted([2, 0, 1]),
            ]
            let clone = try x.clone()
            try x.fill(5)
            for view in views { #expect(try view.min().item() == 5, "\(view)") }
            #expect(try clone.max().item() == 23)
        }

        @Test("reading goes in C order of the view, whatever its strides")
        func order() throws {
            let x = try Tensor.arange(6).reshaped([2, 3])
            let turned = try x.transposed()
            #expect(x.isContiguous)
            #expect(!turned.isContiguous)
            #expect(try turned.array(of: Int.self) == [0, 3, 1, 4, 2, 5])
            #expect(try turned.contiguous().isContiguous)
            #expect(try turned.contiguous().array(of: Int.self) == [0, 3, 1, 4, 2, 5])
            #expect(try turned.reshaped([6]).array(of: Int.self) == [0, 3, 1, 4, 2, 5])
            #expect(try x[0].expanded([2, 3]).array(of: Int.self) == [0, 1, 2, 0, 1, 2])
        }

        @Test("transposing twice, permuting back, and joining what was cut give the same tensor")
        func inverses() throws {
            let x = try counting()
            let bytes = try x.bytes()
            #expect(try x.transposed(0, 2).transposed(0, 2).bytes() == bytes)
            #expect(try x.permuted([2, 0, 1]).permuted([1, 2, 0]).bytes() == bytes)
            #expect(try x.unsqueezed(1).squeezed(1).bytes() == bytes)
            #expect(try x.squeezed(0).shape == x.shape)  // a size other than 1 stays
            for dimension in -3..<3 {
                let parts = try (0..<(try x.size(dimension))).map {
                    try x.selected(dimension: dimension, index: $0)
                }
                // A new dimension counts from the end of the longer shape.
                #expect(try Tensor.stacked(parts, dimension: dimension).bytes() == bytes)
                let slices = try (0..<(try x.size(dimension))).map {
                    try x.narrowed(dimension: dimension, start: $0, length: 1)
                }
                #expect(try Tensor.concatenated(slices, dimension: dimension).bytes() == bytes)
            }
        }

        @Test("gather, index select, where and masked fill pick the right elements")
        func picking() throws {
            let x = try Tensor([10, 11, 12, 20, 21, 22] as [Float], shape: [2, 3])
            let index = try Tensor([2, 0, 1, 1] as [Int], shape: [2, 2])
            #expect(try x.gathered(dimension: 1, index).array(of: Float.self) == [12, 10, 21, 21])
            let rows = try Tensor([1, 1, 0] as [Int])
            #expect(try x.indexSelect(dimension: 0, rows).shape == [3, 3])
            #expect(try x.indexSelect(dimension: 0, rows)[2].array(of: Float.self) == [10, 11, 12])
            let mask = try x.greater(11)
            #expect(try x.maskedFill(mask, -1).array(of: Float.self) == [10, 11, -1, -1, -1, -1])
            #expect(try Tensor.where(mask, x, try -x).array(of: Float.self) == [-10, -11, 12, 20, 21, 22])
        }

        @Test("running sums of whole numbers")
        func cumulativeSum() throws {
            let x = try Tensor([1, 2, 3, 4, 5, 6] as [Int], shape: [2, 3])
            #expect(try x.cumulativeSum(dimension: 1).array(of: Int.self) == [1, 3, 6, 4, 9, 15])
            #expect(try x.cumulativeSum(dimension: 0).array(of: Int.self) == [1, 2, 3, 5, 7, 9])
        }
    }
}
