/// How many levels below the top of a BERT-like model a parameter lies: the depth of layer-wise learning-rate decay.
///
/// Head, pooler and whatever has no place in the encoder are the top, 0; encoder layer k, counted from 0, has
/// `layers` − k; the embeddings lie below all layers, at `layers` + 1.
///
/// - Parameters:
///   - name: The parameter's full name: `bert.encoder.layer.0.output.dense.weight`.
///   - layers: The number of the model's layers.
/// - Returns: The depth, never below 0.
public func layerDepth(of name: String, layers: Int) -> Int {
    let parts = name.split(separator: ".")
    if let place = parts.firstIndex(of: "layer"), place > 0, parts[place - 1] == "encoder",
        place + 1 < parts.count, let layer = Int(parts[place + 1])
    {
        return max(0, layers - layer)
    }
    return parts.dropLast().contains("embeddings") ? layers + 1 : 0
}
