import JSON

extension ModelConfiguration {
    /// The configuration of a decoder with some of this one's layers, each of which keeps its window.
    ///
    /// - Parameter layers: The layers' indices here, ascending.
    /// - Throws: ``ArchitectureError`` where a layer would compute something else at its new place.
    package func decoder(withLayers layers: [Int]) throws -> ModelConfiguration {
        let settings = try decoderSettings()
        var json = original
        json[family.fields.numHiddenLayers.key] = .integer(layers.count)
        if Set(settings.windows).count > 1 {
            json["layer_types"] = .array(
                layers.map { settings.windows[$0] == nil ? "full_attention" : "sliding_attention" })
        }
        let smaller = try ModelConfiguration(json: json, source: source)
        let own = try smaller.decoderSettings()
        for (place, layer) in layers.enumerated() {
            guard own.windows[place] == settings.windows[layer],
                own.attentionScales[place] == settings.attentionScales[layer],
                settings.rotary.isEmpty || own.rotary[place] == settings.rotary[layer]
            else {
                throw ArchitectureError(
                    "\(source): layer \(layer) would compute something else as layer \(place) of a smaller model; choose layers that "
                        + "keep their kind with --teacher-layers")
            }
        }
        return smaller
    }
}
