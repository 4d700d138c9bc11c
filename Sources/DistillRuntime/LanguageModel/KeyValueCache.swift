import CKernels

/// The keys and values of one text's tokens in all layers of a decoder, with which the next tokens are computed without computing those
/// before them again: in pages of 32 tokens, of which texts that begin alike share the first. It is for one call at a time.
package final class KeyValueCache {
    /// The heads of keys and values, and their form.
    struct Shape {
        let layers: Int
        let heads: Int
        let width: Int
        let isBFloat16: Bool
    }

    /// The tokens of a page.
    static let pageTokens = Int(CK_PAGE_TOKENS)

    /// The number of tokens that it holds.
    package private(set) var length = 0
    private let shape: Shape
    /// Pages, each with the words of all layers.
    private var pages: [AlignedBuffer<UInt32>] = []
    /// The words of each layer's pages: layer after layer, with room for `room` pages each.
    private var table: AlignedBuffer<UnsafeMutablePointer<UInt32>?>?
    private var room = 0

    init(_ shape: Shape) { self.shape = shape }

    /// A cache of the first tokens of another one: of those that texts have in common the pages that they fill.
    init(sharing other: KeyValueCache, tokens: Int) throws {
        let count = min(tokens, other.length) / Self.pageTokens
        (shape, length) = (other.shape, count * Self.pageTokens)
        pages = Array(other.pages.prefix(count))
        try writeTable()
    }

    /// Makes room for more tokens.
    ///
    /// - Throws: ``RuntimeError`` where there is no memory; it holds what it held then.
    func reserve(_ tokens: Int) throws {
        let needed = (tokens + Self.pageTokens - 1) / Self.pageTokens
        guard needed > pages.count else { return }
        let (count, held) = (shape.layers * layerWords, pages.count)
        do {
            while pages.count < needed {
                let page = try AlignedBuffer<UInt32>(count: count)
                // What was never written is multiplied by zero, and must be finite.
                page.pointer.initialize(repeating: 0, count: count)
                pages.append(page)
            }
            try writeTable()
        } catch {
            pages.removeSubrange(held...)
            throw error
        }
    }

    /// A layer's pages, as the kernels take them.
    func kernel(_ layer: Int) -> ck_cache {
        ck_cache(pages: table.map { UnsafePointer($0.pointer + layer * room) }, past: Int64(length))
    }

    /// Counts tokens whose keys and values were added in all layers.
    func advance(by tokens: Int) { length += tokens }

    private var layerWords: Int {
        Int(ck_page_words(shape.isBFloat16, Int64(shape.heads), Int64(shape.width)))
    }

    private func writeTable() throws {
        if pages.count > room || table == nil {
            let larger = max(8, 2 * pages.count)
            (table, room) = (try AlignedBuffer(count: shape.layers * larger), larger)
        }
        guard let table else { return }
        let words = layerWords
        for layer in 0..<shape.layers {
            for (number, page) in pages.enumerated() {
                (table.pointer + layer * room + number).initialize(to: page.pointer + layer * words)
            }
        }
    }
}
