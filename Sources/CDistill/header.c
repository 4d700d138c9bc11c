// The header is all that C needs; Swift implements it.
