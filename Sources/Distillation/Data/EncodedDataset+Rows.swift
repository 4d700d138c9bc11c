import Datasets
import Transformers

/// The tokens that have an output and a label, where words are labeled.
public enum RowUnit: String, Sendable, CaseIterable, Codable {
    /// The first token of each word, as models are evaluated.
    case words = "first"
    /// Every token of each word. Those after the first have the label of a word within an entity.
    case tokens = "all"
}

extension TokenRows {
    /// The number of rows of an example.
    func count(_ example: Int, by unit: RowUnit) -> Int {
        let range = range(example)
        return unit == .words ? range.count : range.reduce(0) { $0 + Int(pieces[$1]) }
    }
}

extension EncodedDataset {
    /// The token of each of an example's rows, within the example, -1 for a word that has none; `nil` where the example has
    /// one row.
    func rowPositions(of index: Int) -> [Int32]? {
        let (storage, position) = locate(index)
        guard let rows = storage.rows else { return hasWordRows ? [] : nil }
        guard rowUnit == .tokens else { return Array(rows.positions[rows.range(position)]) }
        return rows.range(position).flatMap { row in
            (0..<rows.pieces[row]).map { rows.positions[row] + $0 }
        }
    }

    /// The logits of all rows before any is computed: 0, except that words without tokens are predicted to be
    /// outside of entities.
    ///
    /// - Parameter names: The classes of the model whose logits they are.
    func emptyRows(_ names: [String]) -> [Float] {
        let classes = names.count
        var values = [Float](repeating: 0, count: rowCount * classes)
        guard hasWordRows else { return values }
        let outside = WordTags.outside(names)
        for index in 0..<count {
            for (row, position) in zip(rows(of: index), rowPositions(of: index) ?? []) where position < 0 {
                values[row * classes + outside] = Self.sureLogit
            }
        }
        return values
    }

    /// The logits of the rows among those of all tokens of all examples; where each example has one row, the logits as they
    /// are.
    ///
    /// - Parameter names: The model's classes.
    package func rows(ofTokens logits: Logits, _ names: [String]) -> Logits {
        guard hasWordRows else { return logits }
        var values = emptyRows(names)
        var start = 0
        for index in 0..<count {
            for (row, position) in zip(rows(of: index), rowPositions(of: index) ?? []) where position >= 0 {
                values.replaceSubrange(
                    row * logits.classes..<(row + 1) * logits.classes, with: logits[start + Int(position)])
            }
            start += length(of: index)
        }
        return Logits(values: values, classes: logits.classes)
    }

    /// The logits of words among those of this data set's rows: the same, or those of the words' first tokens.
    ///
    /// - Parameter names: The model's classes.
    func byWords(_ logits: Logits, _ names: [String]) -> Logits {
        guard hasWordRows, rowUnit == .tokens else { return logits }
        let words = byRows(.words)
        var values = words.emptyRows(names)
        var row = 0
        for index in 0..<count {
            let (storage, position) = locate(index)
            guard let rows = storage.rows else { continue }
            for (word, source) in zip(words.rows(of: index), rows.range(position))
            where rows.pieces[source] > 0 {
                values.replaceSubrange(
                    word * logits.classes..<(word + 1) * logits.classes, with: logits[row])
                row += Int(rows.pieces[source])
            }
        }
        return Logits(values: values, classes: logits.classes)
    }

    /// The tokens of each word, in the order of the words.
    var wordPieces: [Int32] {
        (0..<count).flatMap { index -> [Int32] in
            let (storage, position) = locate(index)
            guard let rows = storage.rows else { return [] }
            return Array(rows.pieces[rows.range(position)])
        }
    }

    /// A logit this far above the others has all of the probability.
    private static let sureLogit: Float = 30

    /// The example that a row is of.
    func example(ofRow row: Int) -> Int {
        hasWordRows ? (rowOffsets.lastIndex { $0 <= row } ?? 0) : row
    }

    /// The number of words without tokens.
    var lostWordCount: Int {
        guard hasWordRows else { return 0 }
        return (0..<count).reduce(0) { sum, index in
            let (storage, position) = locate(index)
            guard let rows = storage.rows else { return sum }
            return sum + rows.range(position).count { rows.positions[$0] < 0 }
        }
    }

    /// The rows of some examples, in the order of the examples.
    func rows(of indices: some Sequence<Int>) -> [Int] { indices.flatMap { Array(rows(of: $0)) } }

    /// True if an example continues the sentence of the one before, and that is part of this view too.
    private func continues(_ index: Int) -> Bool {
        let (storage, position) = locate(index)
        guard index > 0, let rows = storage.rows, rows.continues[position] else { return false }
        let before = locate(index - 1)
        return before.storage === storage && before.position == position - 1
    }

    /// The examples of each sentence: one, or several where it is longer than the model reads.
    var sentences: [Range<Int>] {
        if let groupRanges { return groupRanges }
        if problemType.definition.embedsTexts { return pairScores(of: 0..<count).pairs }
        guard hasWordRows else { return (0..<count).map { $0..<$0 + 1 } }
        var sentences: [Range<Int>] = []
        for index in 0..<count {
            if continues(index), let last = sentences.popLast() {
                sentences.append(last.lowerBound..<index + 1)
            } else {
                sentences.append(index..<index + 1)
            }
        }
        return sentences
    }

    /// How alike some texts are that belong to a row of their file.
    func pairScores(of indices: some Collection<Int>) -> PairScores {
        var scores = PairScores(
            values: indices.map(value),
            rows: indices.map { index in
                let (storage, position) = locate(index)
                let first = position - position % storage.textsPerRow
                return UInt32(clamping: self.place(index) - position + first)
            })
        scores.areTranslations = storages.contains(where: \.areTranslations)
        return scores
    }

    /// The tokens that some texts are to predict. The pieces of a document are texts of their own.
    func tokenTargets(of indices: some Collection<Int>) -> TokenTargets {
        var targets = TokenTargets(ids: [], offsets: [0])
        for index in indices {
            let (storage, position) = locate(index)
            for row in storage.rows?.range(position) ?? 0..<0 {
                targets.ids.append(storage.labels.label(row))
            }
            targets.offsets.append(targets.ids.count)
        }
        if let tokenBytes { targets.bytes = targets.ids.map { tokenBytes[$0] } }
        return targets
    }

    /// The tags of some examples' rows, in their sentences.
    func wordTags(of indices: some Collection<Int>) -> WordTags {
        var tags = WordTags(classes: [], names: tagNames, offsets: [0])
        var last: Int?
        let inner = rowUnit == .tokens ? WordTags.innerClasses(tagNames) : []
        for index in indices {
            if last.map({ $0 + 1 == index && continues(index) }) == true, tags.offsets.count > 1 {
                tags.offsets.removeLast()
            }
            let (storage, position) = locate(index)
            for row in storage.rows?.range(position) ?? 0..<0 {
                let label = storage.labels.label(row)
                tags.classes.append(label)
                guard rowUnit == .tokens else { continue }
                let pieces = Int(storage.rows?.pieces[row] ?? 0)
                guard pieces > 0 else {
                    tags.classes.removeLast()
                    continue
                }
                tags.classes += repeatElement(label < 0 ? label : inner[label], count: pieces - 1)
            }
            tags.offsets.append(tags.classes.count)
            last = index
        }
        return tags
    }
}

extension WordTags {
    /// For each tag the one of a word within the same entity: I-X for B-X, where there is one, else itself.
    static func innerClasses(_ names: [String]) -> [Int] {
        names.indices.map { index in
            guard names[index].hasPrefix("B-") else { return index }
            return names.firstIndex(of: "I-" + names[index].dropFirst(2)) ?? index
        }
    }

    /// The number of the tag of words outside of entities, which a word without tokens gets; the first where there is none.
    static func outside(_ names: [String]) -> Int { names.firstIndex(of: "O") ?? 0 }
}
