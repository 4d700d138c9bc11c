import CKernels

/// The keys and values of one text's tokens in all layers of a decoder, with which the next tokens are computed without computing those
/// before them again. It is for one call at a time.
package final class KeyValueCache {
    /// The heads of keys and values, and their form.
    struct Shape {
        let layers: Int
        let heads: Int
        let width: Int
        let isBFloat16: Bool
    }

    /// The number of tokens that it holds.
    package private(set) var length = 0
    private let shape: Shape
    private var words: [AlignedBuffer<UInt32>] = []
    /// The tokens that there is room for, a multiple of 32.
    private var capacity = 0

    init(_ shape: Shape) { self.shape = shape }

    /// Makes room for more tokens: twice the room of before, or a quarter more than is asked for.
    ///
    /// - Throws: ``RuntimeError`` where there is no memory; it holds what it held then.
    func reserve(_ tokens: Int) throws {
        guard tokens > capacity else { return }
        let room = (max(2 * capacity, tokens + tokens / 4) + 31) / 32 * 32
        let count = Int(
            ck_cache_words(shape.isBFloat16, Int64(shape.heads), Int64(shape.width), Int64(room)))
        let larger = try (0..<shape.layers).map { layer in
            let buffer = try AlignedBuffer<UInt32>(count: count)
            // What was never written is multiplied by zero, and must be finite.
            buffer.pointer.update(repeating: 0, count: count)
            if capacity > 0 {
                ck_move_cache(
                    shape.isBFloat16, Int64(shape.heads), Int64(shape.width), kernel(layer),
                    ck_cache(words: buffer.pointer, capacity: Int64(room), past: Int64(length)))
            }
            return buffer
        }
        (words, capacity) = (larger, room)
    }

    /// A layer's words, as the kernels take them.
    func kernel(_ layer: Int) -> ck_cache {
        ck_cache(words: words[layer].pointer, capacity: Int64(capacity), past: Int64(length))
    }

    /// Counts tokens whose keys and values were added in all layers.
    func advance(by tokens: Int) { length += tokens }
}
