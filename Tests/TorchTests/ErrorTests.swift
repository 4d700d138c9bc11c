import Testing
import Torch

/// A call that must fail, and what its message must contain.
struct FailingCall: Sendable, CustomStringConvertible {
    let description: String
    let parts: [String]
    let body: @Sendable () throws -> Void

    init(_ description: String, _ parts: String..., body: @escaping @Sendable () throws -> Void) {
        self.description = description
        self.parts = parts
        self.body = body
    }
}

extension Engine {
    @Suite("Errors")
    struct ErrorTests {
        @Test("the message names the operation and the shapes", arguments: FailingCall.all)
        func message(_ call: FailingCall) {
            let error = #expect(throws: TorchError.self, performing: call.body)
            guard let error else { return }
            for part in call.parts {
                #expect(error.description.contains(part), "'\(error)' lacks '\(part)'")
            }
            #expect(!error.description.contains("\n"))
            #expect(error.kind != .internal && error.kind != .outOfMemory)
        }

        @Test("an index out of range says so by its kind")
        func indexKind() throws {
            let x = try Tensor.zeros([2, 3])
            expectTorchError("select(float32[2, 3])", kind: .index) { _ = try x[2] }
            expectTorchError("softmax(float32[2, 3])", kind: .index) { _ = try x.softmax(dimension: 2) }
            expectTorchError("transpose(float32[2, 3])", kind: .index) { _ = try x.transposed(0, 5) }
        }

        @Test("no memory left is told apart, with what to do")
        func outOfMemory() {
            expectTorchError("smaller batch size", kind: .outOfMemory) {
                _ = try Tensor.zeros([1 << 50], dtype: .uint8)
            }
        }

        @Test("a view much larger than memory can be made, and is refused where its elements are needed")
        func enormousView() throws {
            for size in [1 << 50, 1 << 61, Int.max] {
                let huge = try Tensor.zeros([1]).expanded([size])
                #expect(huge.count == size)
                #expect(throws: TorchError.self) { try huge.bytes() }
                #expect(throws: TorchError.self) { try huge.array(of: Float.self) }
                #expect(throws: TorchError.self) { try huge.array(of: Int.self) }
                #expect(throws: TorchError.self) { try huge + 1 }
            }
        }

        @Test("a failed operation leaves its inputs as they were")
        func inputsSurvive() throws {
            let x = try Tensor([1, 2, 3] as [Float])
            expectTorchError("copy_(float32[3], float32[4])") { try x.copy(from: try Tensor.zeros([4])) }
            #expect(try x.array(of: Float.self) == [1, 2, 3])
        }
    }
}
