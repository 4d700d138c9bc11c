import Conversations
import Datasets
import Foundation
import JSON
import Tokenizers

/// Log-probabilities of a teacher elsewhere, as files of JSON lines: a line for each record of a data file, in its order, with the
/// most probable tokens at each token that is trained, in the form of OpenAI's and vLLM's answers.
///
/// Tokens are those of the record, or it is an error that names file, line and token. At the end stop tokens may be missing, as
/// servers leave them out; there the text itself teaches. A token of the lists that the tokenizer lacks counts with the rest, which
/// is one outcome.
struct LogprobsFile {
    let url: URL
    let text: LanguageModelText
    /// The most outcomes of a token.
    let outcomes: Int
    let matcher: TokenMatcher

    /// The least mass that is left beside the outcomes: servers round.
    static let leastRest = 1e-6
    /// By how much the probabilities of a list may exceed 1.
    private static let tolerance = 1e-3

    /// Reads the outcomes of all texts of a data file into a store.
    ///
    /// - Returns: How many tokens of lists were not among the tokenizer's.
    /// - Throws: `DatasetError` that names file, line and token; ``DistillationError``.
    func read(for data: URL, into store: OutputStore) throws -> Int {
        let lines = try ObjectStream(url)
        var (unknown, scratch, isAtEnd) = (0, [UInt8](), false)
        try TokenizedTextStream.forEachRecord(data, encoder: text.encoder(), columns: text.columns) {
            record in
            guard let line = isAtEnd ? nil : try lines.next() else {
                isAtEnd = true
                throw DistillationError(
                    "\(url.path): has \(lines.count) lines, but \(data.path) has a record on line \(record.line) for which there is "
                        + "none; give a line for each record, in their order")
            }
            do {
                try read(line, record, into: store, &unknown, &scratch)
            } catch let error as TokenLogprobsError {
                throw lines.error(about: line, "token \(error.position) \(error.reason)")
            }
        }
        if !isAtEnd, let line = try lines.next() {
            throw lines.error(
                about: line, "\(data.path) has no record for this line; give a line for each record")
        }
        return unknown
    }

    private func read(
        _ line: ObjectRow, _ record: RecordTexts, into store: OutputStore, _ unknown: inout Int,
        _ scratch: inout [UInt8]
    ) throws {
        guard let told = try TokenLogprobs.read(line.object) else {
            throw TokenLogprobsError(
                1,
                "is not there: the line has no 'logprobs' with 'content' or with 'tokens' and 'top_logprobs', as OpenAI and vLLM "
                    + "answer")
        }
        var position = 0
        for text in record.texts {
            var example = EncodedExample()
            example.inputIDs = text.ids
            example.tokenTypeIDs = [Int32](repeating: 0, count: text.ids.count)
            let key = ExampleKey(example, scratch: &scratch)
            var (keys, values) = ([ExampleKey](), [Float]())
            for place in text.ids.indices where text.isTrained[place] {
                let id = text.ids[place]
                position += 1
                let row: [Float]
                if position <= told.count {
                    row = try outcomes(of: told[position - 1], id, position, &unknown)
                } else if mayBeMissing(id) {
                    row = Self.row([(id, log(1 - Self.leastRest))], rest: log(Self.leastRest), self.outcomes)
                } else {
                    throw TokenLogprobsError(
                        position, "is missing: the text goes on with \(matcher.name(id)); was the answer cut?"
                    )
                }
                // A target's row is the token before it.
                let rowKey = key.token(Int32(place - 1))
                guard !store.contains(rowKey) else { continue }
                keys.append(rowKey)
                values += row
            }
            try store.append(keys, values)
        }
        guard position >= told.count || record.isCut || record.texts.isEmpty else {
            throw TokenLogprobsError(
                position + 1,
                "is one too many: the text ends before \(Self.shown(told[position].chosen)); "
                    + "give the log-probabilities of the tokens that are trained")
        }
    }

    /// Returns true for tokens that servers leave out at the end of an answer: stop tokens, and white space behind them.
    private func mayBeMissing(_ id: Int32) -> Bool {
        text.tokens.stopIDs.contains(id)
            || (text.tokenizer.bytes(ofToken: id) ?? [0]).allSatisfy {
                [0x20, 0x09, 0x0A, 0x0D].contains($0)
            }
    }

    /// The row of a token.
    private func outcomes(
        of told: TokenLogprobs, _ id: Int32, _ position: Int, _ unknown: inout Int
    ) throws -> [Float] {
        guard matcher.matches(told.chosen, id) else {
            throw TokenLogprobsError(
                position,
                "is \(Self.shown(told.chosen)), but \(matcher.name(id)) in the text; both must be of the same text and tokenizer"
            )
        }
        var probabilities: [Int32: Double] = [:]
        for (index, each) in (told.top + [told.chosen]).enumerated() {
            let isChosen = index == told.top.count
            guard let logprob = each.logprob, logprob <= Self.tolerance else {
                if isChosen, !probabilities.isEmpty { continue }
                throw TokenLogprobsError(
                    position,
                    "has no 'logprob' of at most 0 for \(Self.shown(each)); give the logarithm of its probability"
                )
            }
            guard let other = isChosen ? id : matcher.id(of: each) else {
                unknown += 1
                continue
            }
            // The token that came is mostly among the others.
            if isChosen, probabilities[other] != nil { continue }
            if !isChosen, matcher.matches(each, id) {
                probabilities[id] = exp(logprob)
            } else {
                probabilities[other, default: 0] += exp(logprob)
            }
        }
        let kept = probabilities.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        guard kept.count <= outcomes else {
            throw TokenLogprobsError(
                position,
                "has \(kept.count) tokens, of which top-k:\(outcomes) keeps fewer; pass --teacher-states top-k:\(kept.count)"
            )
        }
        let sum = kept.reduce(0) { $0 + $1.value }
        guard sum <= 1 + Self.tolerance, let first = kept.first, first.value > 0 else {
            throw TokenLogprobsError(
                position,
                String(format: "has probabilities that add up to %.4g", sum)
                    + ", not to something above 0 and at most 1")
        }
        let rest = max(1 - sum, Self.leastRest)
        let all = log(sum + rest)
        return Self.row(kept.map { ($0.key, log($0.value) - all) }, rest: log(rest) - all, outcomes)
    }

    /// Ids, log-probabilities and the rest's, with −1 for places that are not taken.
    private static func row(_ kept: [(id: Int32, log: Double)], rest: Double, _ count: Int) -> [Float] {
        let empty = [Float](repeating: -1, count: count - kept.count)
        return kept.map { Float($0.id) } + empty + kept.map { Float($0.log) } + empty + [Float(rest)]
    }

    private static func shown(_ token: TokenLogprob) -> String {
        token.id.map { "token \($0)" } ?? "'\(token.text ?? "")'"
    }
}
