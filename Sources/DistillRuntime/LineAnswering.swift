import Tokenizers

/// What answers texts in lines of JSON.
package protocol LineAnswering {
    /// The width of a text's vector; `nil` of what gives none.
    var vectorWidth: Int? { get }

    /// A line for each text, and the number of texts that were cut.
    ///
    /// - Throws: `TokenizerError`, with the text's index where it is one text's fault.
    func lines(of texts: [TextPair]) throws -> (lines: [String], cutCount: Int)

    /// The vector of each text, one after another, and the number of texts that were cut.
    ///
    /// - Throws: As the lines; ``RuntimeError`` of what gives none.
    func vectors(of texts: [TextPair]) throws -> (values: [Float], cutCount: Int)
}

extension LineAnswering {
    package var vectorWidth: Int? { nil }

    package func vectors(of texts: [TextPair]) throws -> (values: [Float], cutCount: Int) {
        throw RuntimeError("the model gives no vectors")
    }

    /// A line for each input, its prediction or what is wrong with it, and the number of texts that were cut.
    package func lines(for inputs: [LineInput]) throws -> (lines: [String], cutCount: Int) {
        let result = try lines(of: inputs.compactMap(\.text))
        var predictions = result.lines[...]
        let lines = inputs.map { input in
            switch input {
            case .text: predictions.removeFirst()
            case .problem(let problem): PredictionLine.text(error: problem)
            }
        }
        return (lines, result.cutCount)
    }
}
