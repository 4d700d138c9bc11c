import Datasets
import Files
import Foundation
import Reports
import Transformers

/// Reads the texts of a few examples again: only the tokens of a data file stay in memory.
enum ExampleTexts {
    /// The number of characters of a text that are kept.
    static let longest = 1000

    /// Puts texts beside the examples of an analysis.
    ///
    /// - Parameters:
    ///   - analysis: Gets the texts of its lists.
    ///   - file: The data file.
    ///   - sha256: Its digest when it was tokenized.
    ///   - options: The options for reading it.
    ///   - memo: Tells its digest now.
    /// - Returns: The reason why there are none; `nil` where there are.
    static func fill(
        _ analysis: inout PredictionAnalysis, from file: URL, sha256: String, options: DatasetOptions,
        memo: DigestMemo
    ) -> String? {
        let wanted = Set(((analysis.differMost ?? []) + (analysis.bothWrong ?? [])).map(\.row))
        guard let last = wanted.max() else { return nil }
        let path = file.path(percentEncoded: false)
        var texts: [Int: (text: String, pair: String?)] = [:]
        do {
            guard try memo.sha256(ofData: file) == sha256 else {
                return
                    "\(path): the file changed while the run went on; the report has its examples without texts"
            }
            let stream = try TextStream(file, options: options)
            while stream.count < last, let row = try stream.next() {
                guard wanted.contains(stream.count) else { continue }
                texts[stream.count] = (shortened(row.text), row.pair.map(shortened))
            }
        } catch { return "\(error); the report has its examples without texts" }
        func filled(_ examples: [PredictionAnalysis.Example]?) -> [PredictionAnalysis.Example]? {
            examples?.map { example in
                var example = example
                (example.text, example.pair) = (texts[example.row]?.text, texts[example.row]?.pair)
                return example
            }
        }
        analysis.differMost = filled(analysis.differMost)
        analysis.bothWrong = filled(analysis.bothWrong)
        return nil
    }

    private static func shortened(_ text: String) -> String {
        text.count <= longest ? text : String(text.prefix(longest - 1)) + "…"
    }
}
