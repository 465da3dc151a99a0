# The first source is the package's tree; a recipe unpacks any further one.
tar -xf "/src/$SOURCE" --strip-components=1 --no-same-owner
