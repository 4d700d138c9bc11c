/// A document that was found for a query.
struct RankedDocument: Equatable, Sendable {
    /// How alike query and document are.
    let score: Float
    /// The document's index.
    let document: Int32
}

/// The best documents of those that were offered, without sorting all: a heap whose root is the worst of them.
///
/// Of documents with equal scores the one whose name comes first is better, as in sentence-transformers.
struct RankedDocuments {
    private let depth: Int
    /// The place of each document among all, by the bytes of their names.
    private let order: [Int32]
    private var heap: [RankedDocument] = []

    /// - Parameters:
    ///   - depth: The most documents that are kept.
    ///   - order: The place of each document among all, by their names.
    init(depth: Int, order: [Int32]) {
        (self.depth, self.order) = (depth, order)
        heap.reserveCapacity(depth)
    }

    private func isWorse(_ a: RankedDocument, than b: RankedDocument) -> Bool {
        a.score != b.score ? a.score < b.score : order[Int(a.document)] > order[Int(b.document)]
    }

    /// Offers the documents from one on, with their scores.
    mutating func offer(_ scores: UnsafeBufferPointer<Float>, from first: Int) {
        for (place, score) in scores.enumerated() {
            let found = RankedDocument(score: score, document: Int32(first + place))
            if heap.count < depth {
                heap.append(found)
                rise(heap.count - 1)
            } else if isWorse(heap[0], than: found) {
                heap[0] = found
                sink()
            }
        }
    }

    /// The documents, the best first.
    var ranked: [RankedDocument] { heap.sorted { isWorse($1, than: $0) } }

    private mutating func rise(_ start: Int) {
        var place = start
        while place > 0 {
            let parent = (place - 1) / 2
            guard isWorse(heap[place], than: heap[parent]) else { return }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    private mutating func sink() {
        var place = 0
        while true {
            let (left, right) = (2 * place + 1, 2 * place + 2)
            var worst = place
            if left < heap.count, isWorse(heap[left], than: heap[worst]) { worst = left }
            if right < heap.count, isWorse(heap[right], than: heap[worst]) { worst = right }
            guard worst != place else { return }
            heap.swapAt(place, worst)
            place = worst
        }
    }
}

/// The order of documents that are equally like a query.
enum RetrievalOrder {
    /// The place of each name among all, by their bytes, which is the order of their code points.
    static func places(of names: [String]) -> [Int32] {
        let sorted = names.indices.sorted { names[$0].utf8.lexicographicallyPrecedes(names[$1].utf8) }
        var places = [Int32](repeating: 0, count: names.count)
        for (place, index) in sorted.enumerated() { places[index] = Int32(place) }
        return places
    }
}
