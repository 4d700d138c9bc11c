import Storage
import Tokenizers

/// Predictions for the inputs of a file, some at a time, and how many texts were read and cut so far.
package final class LineRun {
    private let predictor: any LineAnswering
    private let position: (Int) -> String
    /// The number of inputs that were taken.
    private var inputCount = 0
    /// The number of texts that were predicted.
    package private(set) var count = 0
    /// The number of texts that were cut.
    package private(set) var cutCount = 0

    /// - Parameters:
    ///   - predictor: What answers.
    ///   - position: An input's place by its number from 1, for messages: "line 3".
    package init(_ predictor: any LineAnswering, position: @escaping (Int) -> String) {
        (self.predictor, self.position) = (predictor, position)
    }

    /// A line for each input: the prediction, or what is wrong with it.
    ///
    /// - Throws: ``LineError`` for a text that cannot be encoded, and errors of the model.
    package func lines(for inputs: [LineInput]) throws -> [String] {
        let result = try located(inputs) { try predictor.lines(for: inputs) }
        note(inputs, result.cutCount)
        return result.lines
    }

    /// The inputs' vectors, one after another.
    ///
    /// - Throws: ``LineError`` for an input that is no text, which would have no row; else as the lines.
    package func vectors(for inputs: [LineInput]) throws -> [Float] {
        for case .problem(let problem) in inputs {
            throw LineError(
                "\(problem), so that it has no vector, and a file of vectors has a row for each; leave it out, or write lines of "
                    + "JSON (a name that ends with .jsonl)")
        }
        let result = try located(inputs) { try predictor.vectors(of: inputs.compactMap(\.text)) }
        note(inputs, result.cutCount)
        return result.values
    }

    /// Writes a file of all inputs' predictions, whole or not at all.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - next: The next inputs; `nil` at the end.
    /// - Throws: `FileError`; errors of the inputs and of the model.
    package func write(_ file: PredictionFile, next: () throws -> [LineInput]?) throws {
        try AtomicFile.write(to: file.path) { writer in
            switch file.format {
            case .lines:
                while let inputs = try next() {
                    try writer.write(lines(for: inputs).map { $0 + "\n" }.joined())
                }
            case .vectors(let format):
                let vectors = try VectorWriter(format, width: predictor.vectorWidth ?? 0, to: writer)
                while let inputs = try next() { try vectors.append(self.vectors(for: inputs)) }
                try vectors.finish()
            }
        }
    }

    private func note(_ inputs: [LineInput], _ cut: Int) {
        inputCount += inputs.count
        count += inputs.count { $0.text != nil }
        cutCount += cut
    }

    /// Runs a body; an error of a text names its place.
    private func located<Result>(_ inputs: [LineInput], _ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as TokenizerError {
            // Its index counts the texts that were given to the model.
            let sound = inputs.indices.filter { inputs[$0].text != nil }
            guard let index = error.textIndex, sound.indices.contains(index) else { throw error }
            throw LineError("\(position(inputCount + sound[index] + 1)): \(error)")
        }
    }
}

/// A text of a file that has no prediction; the description names its place.
package struct LineError: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
