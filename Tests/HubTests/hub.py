"""What huggingface_hub makes of a cache: `hub.py snapshot|file REPOSITORY [NAME]` prints a path."""

import sys

from huggingface_hub import hf_hub_download, snapshot_download

if sys.argv[1] == "file":
    print(hf_hub_download(sys.argv[2], sys.argv[3]))
else:
    names = ["config.json", "tokenizer.json", "vocab.txt", "model.safetensors"]
    print(snapshot_download(sys.argv[2], allow_patterns=names))
