import JSON

extension Prediction {
    /// The prediction as a line of `distill predict`: `label`, `labels`, `score` and `scores`, those that it has.
    public var json: JSONValue {
        var object = JSONObject()
        if let label { object["label"] = .string(label) }
        if let labels { object["labels"] = .array(labels.map(JSONValue.string)) }
        if let score { object["score"] = .number(score) }
        if let scores {
            var members = JSONObject()
            for score in scores.sorted(by: { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }) {
                members[score.label] = .number(score.value)
            }
            object["scores"] = .object(members)
        }
        return .object(object)
    }
}

extension EntityAggregation.Entity {
    /// The entity as transformers' pipeline gives it: with `index` an `entity`, else an `entity_group`.
    public var json: JSONValue {
        var object = JSONObject()
        object["end"] = .integer(end)
        object[index == nil ? "entity_group" : "entity"] = .string(label)
        if let index { object["index"] = .integer(index) }
        object["score"] = .number(Double(score))
        object["start"] = .integer(start)
        object["word"] = .string(word)
        return .object(object)
    }
}

/// The lines that `distill predict` and `distill-run` write.
package enum PredictionLine {
    package static func text(_ prediction: Prediction) -> String { prediction.json.serialized() }

    package static func text(_ entities: [EntityAggregation.Entity]) -> String {
        JSONValue.object(JSONObject([("entities", .array(entities.map(\.json)))])).serialized()
    }

    /// The lines of vectors of so many components, with as few digits as tell each float32 apart.
    package static func texts(vectors: [Float], width: Int) -> [String] {
        stride(from: 0, to: vectors.count, by: width).map { start in
            let beginning = "{\"embedding\":["
            // The longest number is -1.1754944e-38; a comma or the end follows each.
            return String(unsafeUninitializedCapacity: beginning.utf8.count + 15 * width + 2) { buffer in
                var count = 0
                func append(_ text: String) {
                    for byte in text.utf8 {
                        buffer[count] = byte
                        count += 1
                    }
                }
                append(beginning)
                for index in start..<start + width {
                    if index > start { append(",") }
                    append(vectors[index].description)
                }
                append("]}")
                return count
            }
        }
    }

    /// The line of a text that has no prediction.
    package static func text(error: String) -> String {
        JSONValue.object(JSONObject([("error", .string(error))])).serialized()
    }
}
