import Foundation
import TestSupport
import Testing

@testable import GGUF

/// Damaged files end in one of our errors or are read: they never crash, hang or ask for memory that is not there.
@Suite struct MutationTests {
    /// Opens a file and everything in it.
    private func open(_ bytes: [UInt8], _ url: URL) throws {
        try Data(bytes).write(to: url)
        func attempt(_ body: () throws -> Void) {
            do { try body() } catch is GGUFError {} catch { Issue.record("\(error)") }
        }
        attempt {
            let checkpoint = try GGUFCheckpoint(file: url)
            for info in checkpoint.tensors where info.elementCount < 1 << 20 {
                attempt { _ = try Fixture.floats(checkpoint, info.name) }
            }
            attempt { _ = try GGUFTokenizer(checkpoint) }
            attempt {
                for tensor in try GGUFModel(checkpoint).tensors where tensor.elementCount < 1 << 20 {
                    attempt { _ = try tensor.floats() }
                }
            }
        }
    }

    /// A model small enough to be read many times, with a vocabulary.
    private func smallModel(_ url: URL) throws -> [UInt8] {
        let tokens = try GGUFFile(contentsOf: Fixture.url("smollm.tokens.gguf"))
        var metadata = tokens.metadata.filter {
            !$0.key.hasPrefix("tokenizer.ggml.to") && $0.key != "tokenizer.ggml.merges"
        }
        metadata += [
            ("tokenizer.ggml.tokens", .array(.string(["<s>", "a", "b", "ab"]))),
            ("tokenizer.ggml.token_type", .array(.int32([3, 1, 1, 1]))),
            ("tokenizer.ggml.merges", .array(.string(["a b"]))), ("llama.block_count", .uint32(1)),
            ("llama.context_length", .uint32(16)), ("llama.embedding_length", .uint32(4)),
            ("llama.feed_forward_length", .uint32(4)), ("llama.attention.head_count", .uint32(1)),
            ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
            ("llama.rope.freq_base", .float32(1e4)),
        ]
        let tensors = GGUFFamily.llama.tensors.filter { !$0.isOptional }.map { entry in
            let shape = entry.file.contains("norm") ? [4] : [4, 4]
            let values = (0..<shape.reduce(1, *)).map { Float($0) }
            return GGUFOutputTensor(
                name: GGUFTensorName.name(entry.file, layer: 0), type: .f16, shape: shape, values: values)
        }
        try GGUFWriter(metadata: metadata, tensors: tensors).write(to: url)
        _ = try GGUFModel(file: url)
        _ = try GGUFTokenizer(GGUFCheckpoint(file: url))
        return Array(try Data(contentsOf: url))
    }

    @Test func truncatedFilesAreRefused() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            let bytes = try smallModel(url)
            // The padding behind the last tensor says nothing.
            let needed = bytes.count - 32
            for length in 0..<bytes.count {
                do {
                    _ = try bytes[..<length].withUnsafeBytes { try GGUFHeader($0, path: "x.gguf") }
                    #expect(length > needed)
                } catch {
                    #expect(error is GGUFError && length < bytes.count, "\(error)")
                }
            }
            for length in stride(from: 0, to: bytes.count, by: 13) { try open(Array(bytes[..<length]), url) }
        }
    }

    @Test func changedBytesEndInAnErrorOrAModel() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            let bytes = try smallModel(url)
            var generator = SeededGenerator(seed: 7)
            for _ in 0..<1500 {
                var changed = bytes
                for _ in 0..<Int.random(in: 1...3, using: &generator) {
                    changed[Int.random(in: 0..<bytes.count, using: &generator)] = .random(
                        in: 0...255, using: &generator)
                }
                try open(changed, url)
            }
        }
    }

    @Test func extremeNumbersEndInAnErrorOrAModel() throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            let bytes = try smallModel(url)
            var generator = SeededGenerator(seed: 8)
            let extremes: [UInt64] = [
                0, 1, 2, 0x7F, 0xFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 1 << 32, 1 << 62, 1 << 63, .max,
                .max - 31,
            ]
            for _ in 0..<1500 {
                var changed = bytes
                let wide = Bool.random(using: &generator)
                let place = Int.random(in: 0...bytes.count - 8, using: &generator)
                let number = extremes.randomElement(using: &generator) ?? 0
                let new = wide ? HandMade.little(number) : HandMade.little(UInt32(truncatingIfNeeded: number))
                changed.replaceSubrange(place..<place + new.count, with: new)
                try open(changed, url)
            }
        }
    }

    @Test(arguments: ["types.gguf", "spm.tokens.gguf", "gemma3.gguf", "llama-biases.gguf"])
    func changedFixturesEndInAnErrorOrAModel(name: String) throws {
        try withTemporaryDirectory { directory in
            let url = directory.appending(path: "x.gguf")
            let bytes = Array(try Data(contentsOf: Fixture.url(name)))
            var generator = SeededGenerator(seed: 9)
            for _ in 0..<60 {
                var changed = bytes
                // The beginning says what the rest is.
                let place = Int.random(in: 0..<min(bytes.count, 8192), using: &generator)
                changed[place] = .random(in: 0...255, using: &generator)
                try open(changed, url)
            }
        }
    }
}
